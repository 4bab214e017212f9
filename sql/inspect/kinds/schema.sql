-- SCHEMA: schemas that share owner and ACL.
SELECT 'SCHEMA', '', NULL, pg_catalog.pg_get_userbyid(g.nspowner),
       coalesce(g.nspacl, pg_catalog.acldefault('n', g.nspowner))::text[],
       g.is_system, g.names, g.oids, NULL, NULL
FROM (
    SELECT n.nspowner, n.nspacl, s.is_system,
           pg_catalog.array_agg(n.nspname::text) AS names, pg_catalog.array_agg(n.oid) AS oids
    FROM looked_at_space AS n JOIN space AS s ON s.oid = n.oid
    GROUP BY 1, 2, 3
) AS g
WHERE NOT g.is_system OR (SELECT w.is_wanted FROM system_space AS w) OR EXISTS (
    SELECT FROM pg_catalog.aclexplode(g.nspacl) AS e
    WHERE pg_catalog.pg_get_userbyid(e.grantee) = ANY ($1::text[]))
