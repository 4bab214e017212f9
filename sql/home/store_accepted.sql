-- No row: the accepted state ($2) of one Regent ($1), and where it came from ($3).
INSERT INTO postgregent.regents (regent, accepted, origin) VALUES ($1, $2::jsonb, $3)
ON CONFLICT (regent) DO UPDATE
SET accepted = excluded.accepted, origin = excluded.origin, changed_at = pg_catalog.now()
