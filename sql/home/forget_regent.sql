-- No row: nothing of one Regent ($1) is left here but its released marks.
WITH history AS (DELETE FROM postgregent.history AS h WHERE h.regent = $1),
unmanageable AS (DELETE FROM postgregent.unmanageable AS u WHERE u.regent = $1),
unmanaged AS (DELETE FROM postgregent.unmanaged AS n WHERE n.regent = $1)
DELETE FROM postgregent.regents AS r WHERE r.regent = $1
