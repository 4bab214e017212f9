-- No row: role $1 is gone, and its mark with it, and what is remembered of its end.
WITH gone AS (
    DELETE FROM postgregent.marks AS m WHERE m.role = $1 RETURNING m.role_oid
)
DELETE FROM postgregent.belongings AS b USING gone AS g WHERE b.role_oid = g.role_oid
