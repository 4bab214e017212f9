-- One row: whether the session held the advisory key $1, and holds it once less now.
SELECT pg_catalog.pg_advisory_unlock($1) AS was_held
