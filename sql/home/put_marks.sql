-- One row: a role that was marked. Runs in the transaction that made or adopted the roles, so its
-- oids are those of now. $1 the Regent; $2 roles, $3 holders, $4 origins, in parallel.
-- A role that was ours before and came back keeps the origin of its mark; one that somebody made
-- anew is adopted. A mark in force whose role lives under another name stays: nothing is returned.
-- What was remembered of it as of nobody's role is over: its declaration says whether it may log in.
WITH answered_for AS (
    DELETE FROM postgregent.unmanaged AS u
    USING pg_catalog.pg_roles AS o
    WHERE o.oid = u.role_oid AND o.rolname = ANY ($2::text[])
)
INSERT INTO postgregent.marks (role, regent, holder, origin, role_oid)
SELECT w.role, $1, w.holder, w.origin, r.oid
FROM ROWS FROM (
    pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[])
) AS w (role, holder, origin)
JOIN pg_catalog.pg_roles AS r ON r.rolname = w.role
ON CONFLICT (role) DO UPDATE
SET regent = excluded.regent, holder = excluded.holder, released = false,
    role_oid = excluded.role_oid, verifier_digest = '',
    origin = CASE
        WHEN excluded.origin = 'created' THEN 'created'
        WHEN marks.role_oid = excluded.role_oid THEN marks.origin
        ELSE excluded.origin
    END
WHERE
    marks.released
    OR marks.role_oid = excluded.role_oid
    OR NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS o WHERE o.oid = marks.role_oid)
RETURNING marks.role
