-- One row: a database of this server, other than $2, that belongs to the owner role $1.
SELECT d.datname::text AS name
FROM pg_catalog.pg_database AS d
JOIN pg_catalog.pg_roles AS r ON r.oid = d.datdba
WHERE r.rolname = $1 AND d.datname <> $2 AND d.datallowconn AND NOT d.datistemplate
ORDER BY 1
