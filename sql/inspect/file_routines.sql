-- One row: a role that was given EXECUTE, in any database, on a function of PostgreSQL that reads or
-- writes files of the server, and its name. Such functions have one oid in all databases.
SELECT DISTINCT r.rolname::text AS role, p.proname::text AS routine
FROM pg_catalog.pg_proc AS p
CROSS JOIN pg_catalog.pg_database AS d
CROSS JOIN LATERAL (
    SELECT s.refobjid FROM pg_catalog.pg_shdepend AS s
    WHERE s.dbid = d.oid AND s.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
      AND s.objid = p.oid AND s.deptype = 'a'
      AND s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass OFFSET 0
) AS s
JOIN pg_catalog.pg_roles AS r ON r.oid = s.refobjid
WHERE p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.oid < 16384
  AND p.proname IN (
    'pg_read_file', 'pg_read_binary_file', 'pg_ls_dir', 'pg_stat_file', 'lo_import', 'lo_export'
  )
ORDER BY role, routine
