-- No row: Regent $1 knows the roles that nobody declares by their oids on this server.
UPDATE postgregent.unmanaged AS u SET role_oid = r.oid
FROM pg_catalog.pg_roles AS r
WHERE u.regent = $1 AND r.rolname = u.role
