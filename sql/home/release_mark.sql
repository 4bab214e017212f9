-- No row: role $1 is nobody's business now; its holder may take it back (rule 8).
UPDATE postgregent.marks AS m SET released = true WHERE m.role = $1
