-- One row: a parameter ($1) that was set for the session, to its value ($2, in parallel).
SELECT pg_catalog.set_config(p.name, p.value, false)
FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS p (name, value)
