-- One row: one thing that the server refused for good to one Regent ($1).
SELECT u.digest, u.sqlstate, u.message, u.found_at
FROM postgregent.unmanageable AS u
WHERE u.regent = $1
