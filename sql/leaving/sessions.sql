-- One row: one session of role $1 that is not this one. is_ours: of the admin itself, never ended.
-- is_superusers: of a superuser, which only a superuser may end.
SELECT a.pid, a.backend_start, u.rolname = SESSION_USER AS is_ours, u.rolsuper AS is_superusers
FROM pg_catalog.pg_stat_activity AS a
JOIN pg_catalog.pg_roles AS u ON u.oid = a.usesysid
WHERE u.rolname = $1 AND a.pid <> pg_catalog.pg_backend_pid()
