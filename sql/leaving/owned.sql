-- One row: one object of this database, or of all (databases, tablespaces), that role $1 owns, in
-- order of oid. `kind` is the server's word for it; `identity` is quoted and qualified by the
-- server. What follows its table's owner by itself (a column's sequence) has no row of its own: it is
-- in `followers` of the table. Of a routine, schema, name and types are there too, by which a statement
-- names it (regent/apply/naming.py).
SELECT i.type AS kind, i.identity, s.dbid, s.classid, s.objid,
    ARRAY(
        SELECT f.objid FROM pg_catalog.pg_depend AS f
        JOIN pg_catalog.pg_class AS q ON q.oid = f.objid AND q.relkind = 'S'
        WHERE f.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND f.deptype IN ('a', 'i')
          AND f.refclassid = s.classid AND f.refobjid = s.objid
    ) AS followers,
    n.nspname::text AS routine_schema, p.proname::text AS routine_name,
    pg_catalog.oidvectortypes(p.proargtypes) AS routine_types
FROM pg_catalog.pg_shdepend AS s
JOIN pg_catalog.pg_roles AS r ON r.rolname = $1
CROSS JOIN LATERAL pg_catalog.pg_identify_object(s.classid, s.objid, 0) AS i
LEFT JOIN pg_catalog.pg_class AS c
    ON s.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = s.objid
LEFT JOIN pg_catalog.pg_proc AS p
    ON s.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = s.objid
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = r.oid
  AND s.deptype = 'o'
  AND s.dbid IN (0, (
        SELECT d.oid FROM pg_catalog.pg_database AS d
        WHERE d.datname = pg_catalog.current_database()
    ))
  AND i.type IS NOT NULL
  AND i.type NOT IN ('default acl', 'user mapping')
  AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend AS p
        WHERE p.classid = s.classid AND p.objid = s.objid AND p.deptype IN ('a', 'i')
          AND p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
          AND c.relkind = 'S'
    )
ORDER BY s.classid, s.objid
