-- No row: a person said that Regent $1 had disabled the roles called $2 before its home database was
-- lost. One that may log in by now, or that is somebody's, is not among them.
INSERT INTO postgregent.unmanaged AS u (regent, role_oid, role, disabled_at)
SELECT $1, o.oid, o.rolname::text, pg_catalog.now()
FROM pg_catalog.pg_roles AS o
WHERE o.rolname = ANY ($2::text[]::name[]) AND NOT o.rolcanlogin
    AND NOT EXISTS (SELECT FROM postgregent.marks AS m WHERE m.role_oid = o.oid)
ON CONFLICT (regent, role_oid) DO UPDATE
SET disabled_at = coalesce(u.disabled_at, excluded.disabled_at)
