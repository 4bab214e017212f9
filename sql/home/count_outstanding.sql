-- One row: how many drifts of one Regent ($1) are not corrected, those left out that have the ids $2.
SELECT pg_catalog.count(*) AS count
FROM postgregent.history AS h
WHERE h.regent = $1 AND h.is_outstanding AND h.id <> ALL ($2::text[]::bigint[])
