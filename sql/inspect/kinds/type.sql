-- TYPE: types and domains of one schema that share owner and ACL. Arrays and multiranges have no
-- privileges of their own, and row types are left to their tables.
SELECT 'TYPE', ''::text, s.nspname, pg_catalog.pg_get_userbyid(g.typowner),
       coalesce(g.typacl, pg_catalog.acldefault('T', g.typowner))::text[],
       s.is_system, g.names, g.oids, NULL::oid[], NULL::text[]
FROM (
    SELECT t.typnamespace, t.typowner, t.typacl,
           pg_catalog.array_agg(t.typname) AS names, pg_catalog.array_agg(t.oid) AS oids
    FROM pg_catalog.pg_type AS t
    WHERE t.typtype <> 'm'
      AND (t.typrelid = 0 OR t.typrelid IN (
            SELECT c.oid FROM pg_catalog.pg_class AS c WHERE c.relkind = 'c'))
      AND (t.typelem = 0
           OR t.typsubscript <> 'pg_catalog.array_subscript_handler'::pg_catalog.regproc)
    GROUP BY 1, 2, 3
) AS g
JOIN space AS s ON s.oid = g.typnamespace
WHERE NOT s.is_system OR EXISTS (
    SELECT FROM pg_catalog.aclexplode(g.typacl) AS e
    WHERE pg_catalog.pg_get_userbyid(e.grantee) = ANY ($1::text[]))
