-- One row: one mark of this server, whichever Regent's it is.
SELECT m.role, m.regent, m.holder, m.origin, m.role_oid::bigint AS role_oid, m.released,
    m.verifier_digest
FROM postgregent.marks AS m
ORDER BY m.role
