-- PROPERTY GRAPH: property graphs of one schema that share owner and ACL, from PostgreSQL 19 on. What
-- acldefault() calls them is not known here: where no ACL was written their owner alone has anything.
-- https://www.postgresql.org/docs/19/sql-grant.html
SELECT 'PROPERTY GRAPH', g.relkind, s.nspname, pg_catalog.pg_get_userbyid(g.relowner),
       coalesce(g.relacl, '{}')::text[],
       s.is_system, g.names, g.oids, NULL::oid[], NULL::text[]
FROM (
    SELECT c.relnamespace, c.relowner, c.relkind::text AS relkind, c.relacl,
           pg_catalog.array_agg(c.relname::text) AS names, pg_catalog.array_agg(c.oid) AS oids
    FROM pg_catalog.pg_class AS c
    WHERE c.relkind = 'g'
    GROUP BY 1, 2, 3, 4
) AS g
JOIN space AS s ON s.oid = g.relnamespace
WHERE NOT s.is_system OR EXISTS (
    SELECT FROM pg_catalog.aclexplode(g.relacl) AS e
    WHERE pg_catalog.pg_get_userbyid(e.grantee) = ANY ($1::text[]))
