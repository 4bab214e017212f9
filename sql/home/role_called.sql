-- One row: what the role with oid $1 is called; no row where it is gone.
SELECT r.rolname::text AS role FROM pg_catalog.pg_roles AS r WHERE r.oid = $1::bigint::oid
