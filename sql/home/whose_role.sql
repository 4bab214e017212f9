-- One row: what this home database knows of the role $1, where there is one: the Regents that have a
-- mark of it, and those that look at roles that nobody declares. $2 is the owner role.
SELECT
    r.oid::bigint AS role_oid,
    r.rolname IN (SESSION_USER, CURRENT_USER) AS is_admin,
    r.rolname = $2 AS is_owner,
    r.oid::bigint < 16384 AS is_built_in,
    ARRAY(
        SELECT m.regent FROM postgregent.marks AS m
        WHERE m.role_oid = r.oid OR m.role = r.rolname
        GROUP BY m.regent ORDER BY m.regent
    ) AS managers,
    ARRAY(
        SELECT g.regent FROM postgregent.regents AS g
        WHERE g.unmanaged_since IS NOT NULL
        ORDER BY g.regent
    ) AS watchers
FROM pg_catalog.pg_roles AS r
WHERE r.rolname = $1
