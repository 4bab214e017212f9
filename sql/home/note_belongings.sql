-- No row: role $1 owns these at the end that began at $2; $3 databases, $4 catalogs, $5 oids, in
-- parallel. What it owned at an earlier end is forgotten: it may have changed hands since.
WITH leaver AS (
    SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = $1
),
forgotten AS (
    DELETE FROM postgregent.belongings AS b
    USING leaver AS l
    WHERE b.role_oid = l.oid AND b.ended_at <> $2
)
INSERT INTO postgregent.belongings AS b (role_oid, ended_at, database, catalog, object)
SELECT l.oid, $2, w.database, w.catalog, w.object
FROM leaver AS l
CROSS JOIN ROWS FROM (
    pg_catalog.unnest($3::oid[]), pg_catalog.unnest($4::oid[]), pg_catalog.unnest($5::oid[])
) AS w (database, catalog, object)
ON CONFLICT (role_oid, database, catalog, object) DO UPDATE SET ended_at = excluded.ended_at
