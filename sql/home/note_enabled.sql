-- No row: the role with oid $2 has the LOGIN back that Regent $1 took. Runs in the transaction that
-- gives it.
UPDATE postgregent.unmanaged AS u SET disabled_at = NULL
WHERE u.regent = $1 AND u.role_oid = $2::bigint::oid
