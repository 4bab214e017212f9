-- One row: what stands between the role that acts, or that logged in, and the home database's owner role ($1).
-- is_plain_member counts explicit membership only, so that a superuser admin is made a member too
-- and is still one of ours when it is a superuser no more.
SELECT
    o.oid IS NOT NULL AS owner_exists,
    EXISTS (
        SELECT FROM pg_catalog.pg_auth_members AS m
        JOIN pg_catalog.pg_roles AS u ON u.oid = m.member
        WHERE m.roleid = o.oid AND u.rolname = CURRENT_USER
    ) AS is_plain_member,
    coalesce(pg_catalog.pg_has_role(CURRENT_USER, o.oid, 'USAGE'), false) AS has_its_rights,
    s.rolsuper AS is_superuser,
    s.rolcreatedb OR s.rolsuper AS may_create_databases,
    s.rolcreaterole OR s.rolsuper AS may_create_roles,
    pg_catalog.current_setting('server_version_num')::integer / 10000 AS major
FROM pg_catalog.pg_roles AS s
LEFT JOIN pg_catalog.pg_roles AS o ON o.rolname = $1
WHERE s.rolname = CURRENT_USER
