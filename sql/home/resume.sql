-- One row: whether the role $1 was paused; it is not any more.
SELECT postgregent.resume($1) AS was_paused
