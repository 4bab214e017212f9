-- One row: an object of this database, or one that all share, on which role $1 has privileges.
SELECT c.relname::text AS catalog, s.objid AS oid
FROM pg_catalog.pg_shdepend AS s
JOIN pg_catalog.pg_roles AS r ON r.rolname = $1
JOIN pg_catalog.pg_class AS c ON c.oid = s.classid
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.dbid
WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = r.oid
  AND s.deptype = 'a' AND (s.dbid = 0 OR d.datname = pg_catalog.current_database())
ORDER BY s.dbid, s.classid, s.objid
