-- One row: how many roles Regent $1 of the source $2 (empty for any) manages by this home database.
SELECT count(*)
FROM postgregent.marks AS m
JOIN postgregent.regents AS r ON r.regent = m.regent
WHERE m.regent = $1 AND NOT m.released AND ($2 = '' OR r.origin = $2)
