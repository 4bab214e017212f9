-- One row: how many objects of one catalog one of the roles $1 (names) owns in one database; a NULL
-- database is what all databases share. Default privileges and user mappings are not owned: they go
-- with the role.
SELECT
    r.rolname::text AS role,
    d.datname::text AS database,
    s.classid::pg_catalog.regclass::text AS catalog,
    count(*) AS objects
FROM pg_catalog.pg_shdepend AS s
JOIN pg_catalog.pg_roles AS r
    ON s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = r.oid
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.dbid
WHERE s.deptype = 'o'
  AND r.rolname = ANY ($1::text[])
  AND s.classid NOT IN (
        'pg_catalog.pg_default_acl'::pg_catalog.regclass,
        'pg_catalog.pg_user_mapping'::pg_catalog.regclass
    )
GROUP BY r.rolname, d.datname, s.classid
ORDER BY r.rolname, d.datname NULLS FIRST, s.classid::pg_catalog.regclass::text
