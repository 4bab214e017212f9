-- One row: one membership that role $1 gave (from 16 on it ends with its grantor).
SELECT g.rolname::text AS group_name, m.rolname::text AS member_name,
    a.admin_option, a.inherit_option, a.set_option
FROM pg_catalog.pg_auth_members AS a
JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantor
JOIN pg_catalog.pg_roles AS g ON g.oid = a.roleid
JOIN pg_catalog.pg_roles AS m ON m.oid = a.member
WHERE r.rolname = $1 AND m.rolname <> $1 AND g.rolname <> $1
ORDER BY g.rolname, m.rolname
