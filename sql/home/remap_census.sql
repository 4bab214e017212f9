-- No row: Regent $1 knows the roles that nobody declares by their oids on this server. Of two that are
-- remembered by one name, as after a rename, the one that was disabled is meant, else the latest.
UPDATE postgregent.unmanaged AS u SET role_oid = r.oid
FROM (
    SELECT DISTINCT ON (n.role) n.role, n.role_oid
    FROM postgregent.unmanaged AS n
    WHERE n.regent = $1
    ORDER BY n.role, n.disabled_at DESC NULLS LAST, n.appeared_at DESC NULLS LAST, n.role_oid
) AS w
JOIN pg_catalog.pg_roles AS r ON r.rolname = w.role
WHERE u.regent = $1 AND u.role_oid = w.role_oid
