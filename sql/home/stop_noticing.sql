-- No row: Regent $1 looks for roles that nobody declares no more. When it does again, those that are
-- there then have not just appeared.
UPDATE postgregent.regents AS r SET unmanaged_since = NULL WHERE r.regent = $1
