-- One row: one object that role $1 owned at the end that began at $2.
SELECT b.database::bigint AS database, b.catalog::bigint AS catalog, b.object::bigint AS object
FROM postgregent.belongings AS b
JOIN pg_catalog.pg_roles AS r ON r.oid = b.role_oid
WHERE r.rolname = $1 AND b.ended_at = $2
