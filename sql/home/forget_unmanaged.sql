-- No row: Regent $1 remembers nothing more of the roles with the oids $2. A role that it disabled, and
-- that is there, stays remembered until it has its LOGIN back.
DELETE FROM postgregent.unmanaged AS u
WHERE u.regent = $1 AND u.role_oid = ANY ($2::oid[])
  AND (u.disabled_at IS NULL
       OR NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = u.role_oid))
