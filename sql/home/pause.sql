-- One row: until when the role $1 is paused, for $2 from now on, and why ($3).
SELECT postgregent.pause($1, $2, $3) AS until
