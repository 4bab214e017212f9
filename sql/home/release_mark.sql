-- No row: role $1 is nobody's business now; its holder may take it back (rule 8).
WITH let_go AS (
    UPDATE postgregent.marks AS m SET released = true WHERE m.role = $1 RETURNING m.role_oid
)
DELETE FROM postgregent.belongings AS b USING let_go AS g WHERE b.role_oid = g.role_oid
