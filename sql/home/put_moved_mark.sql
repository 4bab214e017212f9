-- No row: the mark ($2 to $6) of a role that is called $1 now.
INSERT INTO postgregent.marks (role, regent, holder, origin, role_oid, verifier_digest)
VALUES ($1, $2, $3, $4, $5, $6)
