-- One row: one of the roles $1, its oid, and whether it may log in now.
SELECT r.rolname::text AS role, r.oid::bigint AS oid, r.rolcanlogin AS may_log_in
FROM pg_catalog.pg_roles AS r
WHERE r.rolname = ANY ($1::text[])
