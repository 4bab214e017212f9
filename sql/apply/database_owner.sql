-- At most one row: the name of the database with the oid $1, and who owns it.
SELECT d.datname::text AS name, pg_catalog.pg_get_userbyid(d.datdba)::text AS owner
FROM pg_catalog.pg_database AS d
WHERE d.oid = $1::pg_catalog.oid
