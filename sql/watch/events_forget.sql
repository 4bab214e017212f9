-- Takes the rows of these ids out; one row: how many there were.
WITH gone AS (
    DELETE FROM postgregent.event AS e
    WHERE e.id = ANY ($1::pg_catalog.text[]::pg_catalog.int8[]) RETURNING e.id
)
SELECT pg_catalog.count(*) FROM gone;
