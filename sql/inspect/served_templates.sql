-- One row is a served database ($1: names) that is a template of others.
SELECT d.datname AS name FROM pg_catalog.pg_database AS d
WHERE d.datistemplate AND d.datname = ANY ($1::pg_catalog.text[])
ORDER BY d.datname;
