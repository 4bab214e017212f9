-- No row: role $1 is gone, and its mark with it.
DELETE FROM postgregent.marks AS m WHERE m.role = $1
