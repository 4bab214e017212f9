-- One row: a role that was let run code of another one in this database, its owner, and the first of
-- it: SECURITY DEFINER routines, and whatever REFERENCES and TRIGGER on a table lead to (ADR 48). What
-- PUBLIC has, every role has: that is no group's.
WITH held AS (
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid AS classid, f.oid AS objid,
        f.proowner AS owner, a.grantee, '' AS by
    FROM pg_catalog.pg_proc AS f
    CROSS JOIN LATERAL pg_catalog.aclexplode(f.proacl) AS a
    WHERE f.prosecdef AND f.proacl IS NOT NULL AND a.privilege_type = 'EXECUTE'
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, c.relowner, a.grantee,
        'code by ' || a.privilege_type || ' on '
    FROM (
        SELECT t.oid, t.relowner, t.relacl AS acl FROM pg_catalog.pg_class AS t
        WHERE t.relacl IS NOT NULL AND t.relkind <> 'S'
        UNION ALL
        SELECT t.oid, t.relowner, b.attacl FROM pg_catalog.pg_attribute AS b
        JOIN pg_catalog.pg_class AS t ON t.oid = b.attrelid WHERE b.attacl IS NOT NULL
    ) AS c
    CROSS JOIN LATERAL pg_catalog.aclexplode(c.acl) AS a
    WHERE a.privilege_type IN ('REFERENCES', 'TRIGGER')
),
first AS (
    SELECT DISTINCT ON (h.grantee, h.owner) h.* FROM held AS h
    WHERE h.grantee <> h.owner ORDER BY h.grantee, h.owner, h.by, h.objid
)
SELECT
    g.rolname::text AS grantee, o.rolname::text AS owner,
    f.by || pg_catalog.pg_describe_object(f.classid, f.objid, 0) AS what
FROM first AS f
JOIN pg_catalog.pg_roles AS g ON g.oid = f.grantee
JOIN pg_catalog.pg_roles AS o ON o.oid = f.owner
ORDER BY g.rolname, o.rolname
