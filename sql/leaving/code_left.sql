-- One row: code of this database that runs with the rights of a role, which owns it, and that one
-- whose membership in the role ends may use all the same. $1 the roles, $2 their members, in
-- parallel. `what` is described by the server.
-- Code is here what is called with its owner's rights in plain sight: SECURITY DEFINER routines,
-- views without security_invoker, tables with rules, and SECURITY DEFINER trigger functions, which
-- fire for everybody who may write to their table.
WITH RECURSIVE pair AS (
    SELECT g.oid AS owner, w.role, w.member
    FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) AS w (role, member)
    JOIN pg_catalog.pg_roles AS g ON g.rolname = w.role
),
-- The member, and what it is by other memberships.
reached AS (
    SELECT p.owner, p.member, r.oid
    FROM pair AS p JOIN pg_catalog.pg_roles AS r ON r.rolname = p.member
    UNION
    SELECT w.owner, w.member, m.roleid
    FROM reached AS w JOIN pg_catalog.pg_auth_members AS m ON m.member = w.oid
    WHERE m.roleid <> w.owner
),
owner AS (SELECT DISTINCT p.owner AS oid FROM pair AS p),
code AS (
    SELECT f.proowner AS owner, 'pg_catalog.pg_proc'::pg_catalog.regclass AS classid, f.oid AS objid,
        coalesce(f.proacl, pg_catalog.acldefault('f', f.proowner)) AS acl,
        EXISTS (
            SELECT FROM pg_catalog.pg_trigger AS g WHERE g.tgfoid = f.oid AND NOT g.tgisinternal
        ) AS is_for_all
    FROM pg_catalog.pg_proc AS f
    WHERE f.prosecdef AND f.proowner IN (SELECT o.oid FROM owner AS o)
    UNION ALL
    SELECT c.relowner, 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, a.acl, false
    FROM pg_catalog.pg_class AS c
    CROSS JOIN LATERAL (
        SELECT c.relacl
        UNION ALL
        SELECT k.attacl FROM pg_catalog.pg_attribute AS k WHERE k.attrelid = c.oid
    ) AS a (acl)
    WHERE c.relowner IN (SELECT o.oid FROM owner AS o) AND a.acl IS NOT NULL
      AND (
          c.relkind IN ('r', 'p') AND c.relhasrules
          OR c.relkind = 'v' AND NOT EXISTS (
              SELECT FROM pg_catalog.unnest(c.reloptions) AS o (text)
              WHERE o.text ~* '^security_invoker=(t|y|on|1)'
          )
      )
)
SELECT DISTINCT p.role, p.member, pg_catalog.pg_describe_object(c.classid, c.objid, 0) AS what
FROM pair AS p
JOIN code AS c ON c.owner = p.owner
WHERE c.is_for_all OR EXISTS (
    SELECT FROM pg_catalog.aclexplode(c.acl) AS x
    WHERE x.grantee = 0 OR EXISTS (
        SELECT FROM reached AS w
        WHERE w.owner = p.owner AND w.member = p.member AND w.oid = x.grantee
    )
)
ORDER BY p.role, p.member, what
