-- One row: one session of role $1 that is not this one. is_protected: of a superuser, never ended.
SELECT a.pid, a.backend_start, u.rolsuper OR u.rolname = SESSION_USER AS is_protected
FROM pg_catalog.pg_stat_activity AS a
JOIN pg_catalog.pg_roles AS u ON u.oid = a.usesysid
WHERE u.rolname = $1 AND a.pid <> pg_catalog.pg_backend_pid()
