-- One row: a role that was let run SECURITY DEFINER routines of another one in this database, its
-- owner, and the first of them. What PUBLIC may run, every role may: that is no group's.
SELECT
    g.rolname::text AS grantee, o.rolname::text AS owner,
    min(pg_catalog.pg_describe_object(
        'pg_catalog.pg_proc'::pg_catalog.regclass, f.oid, 0)) AS what
FROM pg_catalog.pg_proc AS f
CROSS JOIN LATERAL pg_catalog.aclexplode(f.proacl) AS a
JOIN pg_catalog.pg_roles AS g ON g.oid = a.grantee
JOIN pg_catalog.pg_roles AS o ON o.oid = f.proowner
WHERE f.prosecdef AND f.proacl IS NOT NULL AND a.grantee <> f.proowner
  AND a.privilege_type = 'EXECUTE'
GROUP BY g.rolname, o.rolname
ORDER BY g.rolname, o.rolname
