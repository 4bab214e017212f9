-- One row: a role whose mark of this Regent ($1) was released.
UPDATE postgregent.marks AS m SET released = true
WHERE m.regent = $1 AND NOT m.released
RETURNING m.role
