-- No row: the digest ($2) of the verifier that was set for role $1.
UPDATE postgregent.marks AS m SET verifier_digest = $2 WHERE m.role = $1
