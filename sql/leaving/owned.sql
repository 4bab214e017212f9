-- One row: one object of this database, or of all (databases, tablespaces), that role $1 owns, in
-- order of oid. `kind` is the server's word for it; `identity` is quoted and qualified by the
-- server. is_code: running it, or reading it, acts with its owner's rights. What follows its
-- table's owner by itself (a column's sequence) is left out.
SELECT i.type AS kind, i.identity, s.objid::bigint AS oid,
    s.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    OR s.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass
    OR coalesce(c.relkind IN ('v', 'm'), false)
    OR coalesce(c.relhastriggers OR c.relhasrules, false) AS is_code
FROM pg_catalog.pg_shdepend AS s
JOIN pg_catalog.pg_roles AS r ON r.rolname = $1
CROSS JOIN LATERAL pg_catalog.pg_identify_object(s.classid, s.objid, 0) AS i
LEFT JOIN pg_catalog.pg_class AS c
    ON s.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = s.objid
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
