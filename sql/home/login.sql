-- One row: what the login lacks of the owner role ($1) and the home database ($2), where it is
-- another role than the one that acts (setRole). Other Regents know an admin by its membership.
SELECT
    SESSION_USER::text AS login,
    SESSION_USER <> CURRENT_USER AS is_another,
    EXISTS (
        SELECT FROM pg_catalog.pg_auth_members AS m
        JOIN pg_catalog.pg_roles AS o ON o.oid = m.roleid
        JOIN pg_catalog.pg_roles AS u ON u.oid = m.member
        WHERE o.rolname = $1 AND u.rolname = SESSION_USER
    ) AS is_plain_member,
    coalesce((
        SELECT pg_catalog.has_database_privilege(SESSION_USER, d.oid, 'CONNECT')
        FROM pg_catalog.pg_database AS d
        WHERE d.datname = $2
    ), true) AS may_connect
