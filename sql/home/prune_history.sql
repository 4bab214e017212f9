-- No row: of one Regent's ($1) history only the newest $2 stay.
DELETE FROM postgregent.history AS h
WHERE h.regent = $1 AND h.id <= (
    SELECT k.id FROM postgregent.history AS k
    WHERE k.regent = $1
    ORDER BY k.id DESC OFFSET $2 LIMIT 1
)
