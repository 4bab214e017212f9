-- No row: the mark ($2 to $7) of a role that is called $1 now.
INSERT INTO postgregent.marks (role, regent, holder, origin, role_oid, released, verifier_digest)
VALUES ($1, $2, $3, $4, $5, $6, $7)
