-- No row: the mark of role $1 passes to holder $2 of Regent $3.
UPDATE postgregent.marks AS m SET holder = $2, regent = $3, released = false WHERE m.role = $1
