-- One row: what sessions of one role call themselves. Of other roles' sessions everybody sees this much.
SELECT DISTINCT coalesce(a.application_name, '') AS application, r.rolname::text AS role
FROM pg_catalog.pg_stat_activity AS a
JOIN pg_catalog.pg_roles AS r ON r.oid = a.usesysid
WHERE a.pid <> pg_catalog.pg_backend_pid()
ORDER BY application, role
