-- One row: how many roles Regent $1 of the source $2 (empty for any) has disabled.
SELECT count(*)
FROM postgregent.unmanaged AS u
JOIN postgregent.regents AS r ON r.regent = u.regent
WHERE u.regent = $1 AND u.disabled_at IS NOT NULL AND ($2 = '' OR r.origin = $2)
