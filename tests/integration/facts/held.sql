-- One row is one thing, as text without oids, that the roles named in $1 are or hold, or a part of
-- our detector in this database: equal texts before and after mean that nothing was changed.
SELECT 'role ' || (
    to_jsonb(r) - 'oid' || jsonb_build_object('rolvaliduntil', nullif(r.rolvaliduntil, 'infinity'))
)::text AS thing
FROM pg_catalog.pg_authid AS r
WHERE r.rolname = ANY ($1)
UNION ALL
SELECT format('membership of %s in %s by %s with %s', m.member::regrole, m.roleid::regrole,
    m.grantor::regrole, to_jsonb(m) - 'oid' - 'roleid' - 'member' - 'grantor')
FROM pg_catalog.pg_auth_members AS m
    JOIN pg_catalog.pg_roles AS g ON g.oid = m.roleid
    JOIN pg_catalog.pg_roles AS w ON w.oid = m.member
WHERE g.rolname = ANY ($1) OR w.rolname = ANY ($1)
UNION ALL
SELECT format('settings of %s in %s: %s', r.rolname, d.datname, s.setconfig)
FROM pg_catalog.pg_db_role_setting AS s
    JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
    LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase
WHERE r.rolname = ANY ($1)
UNION ALL
SELECT format('%s%s on %s to %s by %s', i.privilege_type,
    CASE WHEN i.is_grantable THEN ' with grant option' END, o.name, r.rolname, i.grantor::regrole)
FROM (
    SELECT 'database ' || datname AS name, datacl AS acl, datdba AS owner
    FROM pg_catalog.pg_database
    UNION ALL
    SELECT 'schema ' || nspname, nspacl, nspowner FROM pg_catalog.pg_namespace
    UNION ALL
    SELECT c.oid::regclass::text, c.relacl, c.relowner FROM pg_catalog.pg_class AS c
    UNION ALL
    SELECT a.attrelid::regclass::text || '.' || a.attname, a.attacl, c.relowner
    FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
    UNION ALL
    SELECT format('new %s in %s', d.defaclobjtype, n.nspname), d.defaclacl, d.defaclrole
    FROM pg_catalog.pg_default_acl AS d
        LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = d.defaclnamespace
) AS o
    CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) AS i
    JOIN pg_catalog.pg_roles AS r ON r.oid = i.grantee
WHERE r.rolname = ANY ($1) AND i.grantee <> o.owner
UNION ALL
SELECT format('event trigger %s %s on %s', evtname, evtenabled, evtfoid::regproc)
FROM pg_catalog.pg_event_trigger
UNION ALL
SELECT 'relation ' || c.oid::regclass::text
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'postgregent' AND c.relkind IN ('r', 'S')
UNION ALL
SELECT 'routine ' || p.proname || ' ' || md5(p.prosrc)
FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname = 'postgregent'
ORDER BY 1
