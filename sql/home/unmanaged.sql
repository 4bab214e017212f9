-- One row: one role that Regent $1 found and that nobody declares; and one row without a role, which
-- says when it looked first.
SELECT u.role_oid::bigint AS role_oid, u.role, u.appeared_at, u.actor::text AS actor, u.disabled_at,
    NULL::timestamptz AS since
FROM postgregent.unmanaged AS u
WHERE u.regent = $1
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, r.unmanaged_since
FROM postgregent.regents AS r
WHERE r.regent = $1 AND r.unmanaged_since IS NOT NULL
