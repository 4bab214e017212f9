-- One row is a part of a reading of one database, as its first column says:
--   relation  tables, views or sequences of one schema, of one kind, that share owner and ACL
--   schema    schemas that share owner and ACL
--   column    one column with an ACL of its own: names = {relation, column}, oids = {relation}
--   member    relations or schemas that belong to extensions
--   present   relations that have a column of this name, one of $2: names = {column}
--   default   tables and, in parallel, the relations that their columns' defaults draw on
--   database  names = {this database}, kind = its encoding
-- System schemas appear only with what names a managed role, one of $1, in its ACL; temporary ones
-- and TOAST never. $3 asks for `default`. An ACL that is NULL is acldefault().
space AS MATERIALIZED (
    SELECT n.oid, n.nspname,
           n.nspname ~ '^pg_' OR n.nspname IN ('information_schema', 'postgregent') AS is_system
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname !~ '^pg_(toast|temp|toast_temp)(_|$)'
),
relation_group AS (
    SELECT c.relnamespace, c.relowner, c.relkind, c.relacl,
           pg_catalog.array_agg(c.relname) AS names, pg_catalog.array_agg(c.oid) AS oids
    FROM looked_at AS c
    GROUP BY 1, 2, 3, 4
),
space_group AS (
    SELECT n.nspowner, n.nspacl, s.is_system,
           pg_catalog.array_agg(n.nspname) AS names, pg_catalog.array_agg(n.oid) AS oids
    FROM looked_at_space AS n JOIN space AS s ON s.oid = n.oid
    GROUP BY 1, 2, 3
)
SELECT 'relation' AS part, g.relkind::text AS kind, s.nspname AS schema,
       pg_catalog.pg_get_userbyid(g.relowner) AS owner,
       coalesce(g.relacl, pg_catalog.acldefault(
           CASE g.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", g.relowner))::text[] AS acl,
       s.is_system, g.names, g.oids, NULL::oid[] AS others
FROM relation_group AS g JOIN space AS s ON s.oid = g.relnamespace
WHERE NOT s.is_system OR EXISTS (
    SELECT FROM pg_catalog.aclexplode(g.relacl) AS e
    WHERE pg_catalog.pg_get_userbyid(e.grantee) = ANY ($1::text[]))
UNION ALL
SELECT 'schema', '', NULL, pg_catalog.pg_get_userbyid(g.nspowner),
       coalesce(g.nspacl, pg_catalog.acldefault('n', g.nspowner))::text[],
       g.is_system, g.names, g.oids, NULL
FROM space_group AS g
WHERE NOT g.is_system OR EXISTS (
    SELECT FROM pg_catalog.aclexplode(g.nspacl) AS e
    WHERE pg_catalog.pg_get_userbyid(e.grantee) = ANY ($1::text[]))
UNION ALL
SELECT 'column', c.relkind::text, s.nspname, pg_catalog.pg_get_userbyid(c.relowner),
       a.attacl::text[], s.is_system,
       ARRAY[c.relname, a.attname], ARRAY[c.oid], NULL
FROM looked_at_column AS l
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = l.attrelid AND a.attnum = l.attnum
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN space AS s ON s.oid = c.relnamespace
WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
  AND (NOT s.is_system OR EXISTS (
        SELECT FROM pg_catalog.aclexplode(a.attacl) AS e
        WHERE pg_catalog.pg_get_userbyid(e.grantee) = ANY ($1::text[])))
UNION ALL
SELECT 'member', '', NULL, NULL, NULL, false, NULL, pg_catalog.array_agg(d.objid), NULL
FROM pg_catalog.pg_depend AS d
WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
  AND d.classid IN ('pg_catalog.pg_class'::pg_catalog.regclass,
                    'pg_catalog.pg_namespace'::pg_catalog.regclass)
UNION ALL
SELECT 'present', '', NULL, NULL, NULL, false, ARRAY[a.attname],
       pg_catalog.array_agg(a.attrelid), NULL
FROM looked_at AS c
JOIN space AS s ON s.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
WHERE pg_catalog.cardinality($2::name[]) > 0
  AND a.attname = ANY ($2::name[]) AND NOT a.attisdropped
  AND c.relkind <> 'S' AND NOT s.is_system
GROUP BY a.attname
UNION ALL
SELECT 'default', '', NULL, NULL, NULL, false, NULL,
       pg_catalog.array_agg(f.adrelid), pg_catalog.array_agg(d.refobjid)
FROM looked_at_default AS f
JOIN pg_catalog.pg_depend AS d
  ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid
 AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'n'
WHERE $3::boolean
UNION ALL
SELECT 'database', pg_catalog.getdatabaseencoding()::text, NULL, NULL, NULL, false,
       ARRAY[pg_catalog.current_database()], NULL, NULL
