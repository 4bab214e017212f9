-- One row is one thing that a role is or has beside privileges on objects; $1 are the roles.
WITH ours AS (
    SELECT a.* FROM pg_catalog.pg_authid AS a WHERE a.rolname = ANY ($1::text[])
)
SELECT ARRAY['role', r.rolname]::text[] AS fact FROM ours AS r
UNION ALL
SELECT ARRAY['attribute', r.rolname, x.name]::text[]
FROM ours AS r, LATERAL (VALUES
    ('LOGIN', r.rolcanlogin), ('SUPERUSER', r.rolsuper), ('CREATEDB', r.rolcreatedb),
    ('CREATEROLE', r.rolcreaterole), ('INHERIT', r.rolinherit), ('REPLICATION', r.rolreplication),
    ('BYPASSRLS', r.rolbypassrls)) AS x (name, holds)
WHERE x.holds
UNION ALL
SELECT ARRAY['limit', r.rolname, r.rolconnlimit::text]::text[] FROM ours AS r
UNION ALL
SELECT ARRAY['until', r.rolname, coalesce(r.rolvaliduntil, 'infinity')::text]::text[] FROM ours AS r
UNION ALL
SELECT ARRAY['password', r.rolname, r.rolpassword]::text[] FROM ours AS r
WHERE r.rolpassword IS NOT NULL
UNION ALL
SELECT ARRAY['setting', r.rolname, coalesce(d.datname, ''), x.setting]::text[]
FROM ours AS r JOIN pg_catalog.pg_db_role_setting AS s ON s.setrole = r.oid
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase
CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS x (setting)
UNION ALL
SELECT ARRAY['member', g.rolname, m.rolname]::text[] || x.kind
FROM pg_catalog.pg_auth_members AS a
JOIN pg_catalog.pg_authid AS g ON g.oid = a.roleid
JOIN pg_catalog.pg_authid AS m ON m.oid = a.member
CROSS JOIN LATERAL (
    SELECT 'at all'::text AS kind
    UNION ALL SELECT 'ADMIN' WHERE a.admin_option
    UNION ALL SELECT 'INHERIT' WHERE coalesce(pg_catalog.to_jsonb(a)->>'inherit_option', 'true')::bool
    UNION ALL SELECT 'SET' WHERE coalesce(pg_catalog.to_jsonb(a)->>'set_option', 'true')::bool
) AS x
WHERE g.oid IN (SELECT o.oid FROM ours AS o) OR m.oid IN (SELECT o.oid FROM ours AS o)
UNION ALL
SELECT ARRAY['default', c.rolname, coalesce(n.nspname, ''), d.defaclobjtype::text, g.rolname,
             e.privilege_type || CASE WHEN e.is_grantable THEN '*' ELSE '' END]::text[]
FROM pg_catalog.pg_default_acl AS d
JOIN pg_catalog.pg_authid AS c ON c.oid = d.defaclrole
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = d.defaclnamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(d.defaclacl) AS e
JOIN ours AS g ON g.oid = e.grantee
WHERE d.defaclrole <> e.grantee
