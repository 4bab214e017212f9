-- One row is one membership, up to PostgreSQL 15, where INHERIT is the member's attribute and SET
-- is always allowed. A role that is gone appears as its oid.
SELECT coalesce(g.rolname::text, m.roleid::text) AS "group",
       coalesce(r.rolname::text, m.member::text) AS member,
       coalesce(o.rolname::text, m.grantor::text) AS grantor,
       m.admin_option AS admin, coalesce(r.rolinherit, true) AS inherit, true AS set_role
FROM pg_catalog.pg_auth_members AS m
LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = m.roleid
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = m.member
LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = m.grantor
ORDER BY m.roleid, m.member
