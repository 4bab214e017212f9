-- No row: the mark follows ALTER ROLE $1 RENAME TO $2; $3 is the holder. A mark that another role
-- left under the new name makes place: the role it meant is gone, or the server would have refused.
WITH gone AS (
    DELETE FROM postgregent.marks AS g WHERE g.role = $2 AND $1 <> $2
)
UPDATE postgregent.marks AS m SET role = $2, holder = $3, released = false
WHERE m.role = $1
   OR m.role_oid = (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = $2)
