-- One row: the id of one drift ($2, in order) of one Regent ($1).
INSERT INTO postgregent.history (regent, is_outstanding, drift)
SELECT $1, w.drift::jsonb ->> 'correctedAt' IS NULL, w.drift::jsonb
FROM pg_catalog.unnest($2::text[]) WITH ORDINALITY AS w (drift, place)
ORDER BY w.place
RETURNING id
