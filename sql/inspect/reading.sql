-- One row is a part of a reading of one database, as its first column says. The fragments of
-- kinds/ continue the statement: each gives the objects of one kind that share schema, form, owner
-- and ACL, in these columns; names, oids and (of what has a signature) arguments run in parallel.
-- Besides:
--   member    what belongs to extensions, of one catalog: form = its name
--   present   relations that have a column of this name, one of $2: names = {column}
--   default   tables and, in parallel, the relations that their columns' defaults draw on (others)
--   database  names = {this database}, form = its encoding
--   defaults  what a role (owner) gives on objects that it makes from now on: defaults.sql
-- is_system is what no declaration reaches: system schemas, TOAST and row types appear only with what
-- names a managed role, one of $1, in its ACL; temporary schemas never. A reading may ask for the system schemas all the same. $3 asks for `default`. An ACL that is NULL is acldefault(). $4 are the catalogs
-- of all kinds. What ends the statement is written.sql. relation_group is here as two kinds share its one scan of pg_class.
space AS MATERIALIZED (
    SELECT n.oid, n.nspname,
           n.nspname ~ '^pg_' OR n.nspname IN ('information_schema', 'postgregent') AS is_system
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname !~ '^pg_(toast_)?temp(_|$)'
),
relation_group AS MATERIALIZED (
    SELECT c.relnamespace, c.relowner, c.relkind, c.relacl,
           pg_catalog.array_agg(c.relname::text) AS names, pg_catalog.array_agg(c.oid) AS oids
    FROM looked_at AS c
    GROUP BY 1, 2, 3, 4
),
piece AS (
SELECT 'member' AS part, d.classid::pg_catalog.regclass::text AS form, NULL::name AS schema, NULL::name AS owner,
       NULL::text[] AS acl, false AS is_system, NULL::text[] AS names,
       pg_catalog.array_agg(d.objid) AS oids, NULL::oid[] AS others, NULL::text[] AS arguments
FROM pg_catalog.pg_depend AS d
WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
  AND d.classid = ANY ($4::text[]::pg_catalog.regclass[])
GROUP BY d.classid
UNION ALL
SELECT 'present', '', NULL, NULL, NULL, false, ARRAY[a.attname::text],
       pg_catalog.array_agg(a.attrelid), NULL, NULL
FROM looked_at AS c
JOIN space AS s ON s.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
WHERE pg_catalog.cardinality($2::text[]) > 0
  AND a.attname = ANY ($2::text[]::name[]) AND NOT a.attisdropped
  AND c.relkind <> 'S' AND NOT s.is_system
GROUP BY a.attname
UNION ALL
SELECT 'default', '', NULL, NULL, NULL, false, NULL,
       pg_catalog.array_agg(f.adrelid), pg_catalog.array_agg(d.refobjid), NULL
FROM looked_at_default AS f
JOIN pg_catalog.pg_depend AS d
  ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid
 AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'n'
WHERE $3::boolean
UNION ALL
SELECT 'database', pg_catalog.getdatabaseencoding()::text, NULL, NULL, NULL, false,
       ARRAY[pg_catalog.current_database()::text], NULL, NULL, NULL
