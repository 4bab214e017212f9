-- At most one row: what one Regent ($1) remembers of itself.
SELECT r.accepted::text AS accepted, r.brake::text AS brake, r.system_identifier, r.origin
FROM postgregent.regents AS r
WHERE r.regent = $1
