-- It was told all of $1, and what stands there since is $2: what has another number is told anew.
UPDATE postgregent.guard SET contents = $1::text || ' ' || $2::text WHERE contents = $1::text
