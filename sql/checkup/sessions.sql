-- One row: one session of PostgRegent, that is of a member of the owner role ($1) or a superuser, and
-- the seconds since it last began or ended a statement; NULL where the server does not say.
SELECT
    a.pid,
    coalesce(a.datname::text, '') AS database,
    a.application_name AS application,
    extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change)::float8 AS silent_seconds
FROM pg_catalog.pg_stat_activity AS a
JOIN pg_catalog.pg_roles AS o ON o.rolname = $1
WHERE a.application_name ^@ 'postgregent/' AND a.pid <> pg_catalog.pg_backend_pid()
    AND pg_catalog.pg_has_role(a.usesysid, o.oid, 'MEMBER')
ORDER BY a.pid
