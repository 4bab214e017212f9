-- No row: one Regent ($1) knows the server $2 as its own from now on. The oids of its marks were
-- another server's; a role that is not here has none.
WITH marked AS (
    UPDATE postgregent.marks AS m
    SET role_oid = coalesce(
        (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = m.role), 0
    )
    WHERE m.regent = $1
)

INSERT INTO postgregent.regents (regent, system_identifier) VALUES ($1, $2)
ON CONFLICT (regent) DO UPDATE
SET system_identifier = excluded.system_identifier, changed_at = pg_catalog.now()
