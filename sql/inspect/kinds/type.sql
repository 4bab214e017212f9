-- TYPE: types and domains of one schema that share owner and ACL. Arrays have no privileges of their
-- own; row types of tables and multiranges are left to their tables and ranges, but for what somebody
-- was granted on them.
SELECT 'TYPE', ''::text, s.nspname, pg_catalog.pg_get_userbyid(g.typowner),
       coalesce(g.typacl, pg_catalog.acldefault('T', g.typowner))::text[],
       s.is_system OR g.is_part, g.names, g.oids, NULL::oid[], NULL::text[]
FROM (
    SELECT t.typnamespace, t.typowner, t.typacl, t.is_part,
           pg_catalog.array_agg(t.typname::text) AS names, pg_catalog.array_agg(t.oid) AS oids
    FROM (
        SELECT t.*, t.typtype = 'm' OR t.typrelid <> 0 AND t.typrelid NOT IN (
                SELECT c.oid FROM pg_catalog.pg_class AS c WHERE c.relkind = 'c') AS is_part
        FROM pg_catalog.pg_type AS t
        WHERE t.typelem = 0
           OR t.typsubscript <> 'pg_catalog.array_subscript_handler'::pg_catalog.regproc
    ) AS t
    WHERE NOT t.is_part OR t.typacl IS NOT NULL
    GROUP BY 1, 2, 3, 4
) AS g
JOIN space AS s ON s.oid = g.typnamespace
WHERE NOT (s.is_system OR g.is_part) OR EXISTS (
    SELECT FROM pg_catalog.aclexplode(g.typacl) AS e
    WHERE pg_catalog.pg_get_userbyid(e.grantee) = ANY ($1::text[]))
