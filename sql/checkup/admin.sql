-- One row: which of the rights that a Regent needs its admin ($1) has; none where there is no such role.
-- $2 is the owner role of home databases, $3 the databases, $4 the oids of the roles that it manages.
-- From 16 on CREATEROLE alone alters no role: the admin needs ADMIN over each.
SELECT
    r.rolsuper AS is_superuser,
    r.rolcreaterole AS may_create_roles,
    r.rolvaliduntil <= pg_catalog.clock_timestamp() IS TRUE AS has_expired,
    coalesce(
        pg_catalog.pg_has_role(r.oid, pg_catalog.to_regrole(pg_catalog.quote_ident($2)), 'MEMBER'), false
    ) AS is_member,
    ARRAY(
        SELECT d.datname::text FROM pg_catalog.pg_database AS d
        WHERE d.datname = ANY ($3::text[])
            AND NOT pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT')
        ORDER BY 1
    ) AS closed,
    ARRAY(
        SELECT m.rolname::text FROM pg_catalog.pg_roles AS m
        WHERE m.oid = ANY ($4::text[]::oid[])
            AND NOT r.rolsuper
            AND (
                m.rolsuper
                OR pg_catalog.current_setting('server_version_num')::int >= 160000
                AND NOT pg_catalog.pg_has_role(r.oid, m.oid, 'MEMBER WITH ADMIN OPTION')
            )
        ORDER BY 1
    ) AS beyond
FROM pg_catalog.pg_roles AS r
WHERE r.rolname = $1
