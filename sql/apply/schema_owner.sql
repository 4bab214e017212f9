-- At most one row: the name of the schema with the oid $1, and who owns it.
SELECT n.nspname::text AS name, pg_catalog.pg_get_userbyid(n.nspowner)::text AS owner
FROM pg_catalog.pg_namespace AS n
WHERE n.oid = $1::pg_catalog.oid
