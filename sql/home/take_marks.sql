-- One row: a mark that was taken out, as it is to be put back after its role was renamed. $1 the
-- names in the marks, $2 the new names, $3 the holders, in parallel. A mark that another role left
-- under a new name goes, too, where the role it meant is gone or is nobody's business any more.
-- A mark that was released stays so until its role is adopted, which may be a later transaction.
WITH moved AS (
    SELECT w.old_name, w.new_name, w.holder
    FROM ROWS FROM (
        pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])
    ) AS w (old_name, new_name, holder)
),
taken AS (
    DELETE FROM postgregent.marks AS m
    WHERE
        m.role = ANY ($1::text[])
        OR (
            m.role = ANY ($2::text[])
            AND (
                m.released
                OR NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS o WHERE o.oid = m.role_oid)
            )
        )
    RETURNING m.role, m.regent, m.origin, m.role_oid, m.released, m.verifier_digest
)
SELECT v.new_name AS role, t.regent, v.holder, t.origin, t.role_oid, t.released, t.verifier_digest
FROM taken AS t
JOIN moved AS v ON v.old_name = t.role
