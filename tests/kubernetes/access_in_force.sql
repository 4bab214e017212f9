-- One row is one thing that a role may do in the database of this connection or has on the whole
-- server, as text. Without what an owner may do with its own, and without our own role and schema.
SELECT pg_catalog.format('role %s login=%s verifier=%s', r.rolname, r.rolcanlogin,
    (SELECT a.rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_catalog.pg_authid AS a WHERE a.oid = r.oid)
) AS thing
FROM pg_catalog.pg_roles AS r WHERE r.rolname !~ '^(pg_|postgregent)'
UNION ALL
SELECT pg_catalog.format('member %s of %s', m.member::pg_catalog.regrole, m.roleid::pg_catalog.regrole)
FROM pg_catalog.pg_auth_members AS m
WHERE m.roleid >= 16384 AND m.roleid::pg_catalog.regrole::pg_catalog.text !~ '^postgregent'
UNION ALL
SELECT pg_catalog.format('%s on %s to %s', i.privilege_type, o.what, i.grantee::pg_catalog.regrole)
FROM (
    SELECT 'database ' || d.datname AS what, d.datacl AS acl, d.datdba AS owner
    FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
    UNION ALL
    SELECT 'schema ' || n.nspname, n.nspacl, n.nspowner
    FROM pg_catalog.pg_namespace AS n WHERE n.nspname !~ '^(pg_|information_schema|postgregent)'
    UNION ALL
    SELECT c.oid::pg_catalog.regclass::pg_catalog.text, c.relacl, c.relowner
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^(pg_|information_schema|postgregent)'
    UNION ALL
    SELECT pg_catalog.format('%s.%s', c.oid::pg_catalog.regclass, a.attname), a.attacl, c.relowner
    FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
    WHERE a.attacl IS NOT NULL AND c.oid >= 16384
) AS o CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) AS i
WHERE i.grantee NOT IN (0, o.owner)
ORDER BY thing
