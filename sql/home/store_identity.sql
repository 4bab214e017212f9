-- No row: the server that one Regent ($1) knows as its own ($2).
INSERT INTO postgregent.regents (regent, system_identifier) VALUES ($1, $2)
ON CONFLICT (regent) DO UPDATE
SET system_identifier = excluded.system_identifier, changed_at = pg_catalog.now()
