-- One row: a database in which role $1 still owns objects or holds privileges; NULL is what all
-- databases share. What DROP OWNED takes without loss counts as privilege: default privileges,
-- user mappings.
SELECT
    d.datname AS database,
    count(*) FILTER (WHERE s.deptype = 'o' AND s.classid NOT IN (
        'pg_catalog.pg_default_acl'::pg_catalog.regclass,
        'pg_catalog.pg_user_mapping'::pg_catalog.regclass
    )) AS owned,
    count(*) AS all_kinds
FROM pg_catalog.pg_shdepend AS s
JOIN pg_catalog.pg_roles AS r ON r.rolname = $1
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.dbid
WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = r.oid
GROUP BY d.datname
ORDER BY d.datname NULLS FIRST
