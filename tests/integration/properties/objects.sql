-- One row is one object that a world is about: its kind, its schema, its name, the name that GRANT
-- takes, its owner, its ACL as it is in force, and what a column is called. Parameters are asked for
-- apart: a server before 15 has none.
SELECT 'DATABASE' AS kind, '' AS schema, d.datname::text AS name,
       pg_catalog.quote_ident(d.datname) AS called, '' AS col, d.datdba AS owner,
       coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba)) AS acl
FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
UNION ALL
SELECT 'SCHEMA', '', n.nspname, pg_catalog.quote_ident(n.nspname), '', n.nspowner,
       coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))
FROM pg_catalog.pg_namespace AS n WHERE n.nspname ~ '^(schema|own_|public$)'
UNION ALL
SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname,
       c.oid::pg_catalog.regclass::text, '', c.relowner,
       coalesce(c.relacl, pg_catalog.acldefault(
           CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, c.relowner))
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname ~ '^(schema|own_|public$)' AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
UNION ALL
SELECT 'COLUMN', n.nspname, c.relname, c.oid::pg_catalog.regclass::text, a.attname, c.relowner,
       a.attacl
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
WHERE n.nspname ~ '^(schema|own_|public$)' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'ROUTINE', n.nspname, p.proname || '(' || pg_catalog.oidvectortypes(p.proargtypes) || ')',
       p.oid::pg_catalog.regprocedure::text, '', p.proowner,
       coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))
FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname ~ '^(schema|own_|public$)'
UNION ALL
SELECT 'TYPE', n.nspname, t.typname, t.oid::pg_catalog.regtype::text, '', t.typowner,
       coalesce(t.typacl, pg_catalog.acldefault('T', t.typowner))
FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
WHERE n.nspname ~ '^(schema|own_|public$)' AND t.typelem = 0
  AND (t.typtype IN ('e', 'd') OR c.relkind = 'c')
UNION ALL
SELECT 'LANGUAGE', '', l.lanname, l.lanname, '', l.lanowner,
       coalesce(l.lanacl, pg_catalog.acldefault('l', l.lanowner))
FROM pg_catalog.pg_language AS l WHERE l.lanname ~ '^lang_'
UNION ALL
SELECT 'FOREIGN DATA WRAPPER', '', w.fdwname, w.fdwname, '', w.fdwowner,
       coalesce(w.fdwacl, pg_catalog.acldefault('F', w.fdwowner))
FROM pg_catalog.pg_foreign_data_wrapper AS w
UNION ALL
SELECT 'FOREIGN SERVER', '', s.srvname, s.srvname, '', s.srvowner,
       coalesce(s.srvacl, pg_catalog.acldefault('S', s.srvowner))
FROM pg_catalog.pg_foreign_server AS s
UNION ALL
SELECT 'LARGE OBJECT', '', o.oid::text, o.oid::text, '', o.lomowner,
       coalesce(o.lomacl, pg_catalog.acldefault('L', o.lomowner))
FROM pg_catalog.pg_largeobject_metadata AS o
UNION ALL
SELECT 'TABLESPACE', '', t.spcname, t.spcname, '', t.spcowner,
       coalesce(t.spcacl, pg_catalog.acldefault('t', t.spcowner))
FROM pg_catalog.pg_tablespace AS t WHERE t.spcname = 'pg_default'
