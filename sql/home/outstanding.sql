-- One row: one drift of one Regent ($1), later than id $2, that is not corrected, at most $3.
SELECT h.id, h.drift::text AS drift
FROM postgregent.history AS h
WHERE h.regent = $1 AND h.is_outstanding AND h.id > $2
ORDER BY h.id
LIMIT $3
