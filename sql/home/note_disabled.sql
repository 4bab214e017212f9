-- No row: Regent $1 takes the LOGIN of the role with oid $2, called $3. Runs in the transaction that
-- takes it. Of a role that was there at the first look nobody knows since when.
INSERT INTO postgregent.unmanaged AS u (regent, role_oid, role, appeared_at, disabled_at)
SELECT $1, $2::bigint::oid, $3,
    (SELECT CASE WHEN r.unmanaged_since IS NOT NULL THEN pg_catalog.now() END
     FROM postgregent.regents AS r WHERE r.regent = $1),
    pg_catalog.now()
ON CONFLICT (regent, role_oid) DO UPDATE
SET role = excluded.role, disabled_at = coalesce(u.disabled_at, excluded.disabled_at)
