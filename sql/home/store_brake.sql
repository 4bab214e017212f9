-- No row: the brake's memory ($2) of one Regent ($1).
INSERT INTO postgregent.regents (regent, brake) VALUES ($1, $2::jsonb)
ON CONFLICT (regent) DO UPDATE SET brake = excluded.brake, changed_at = pg_catalog.now()
