-- No row: what became of drifts ($2 ids, $3 their new text, in parallel) of one Regent ($1).
UPDATE postgregent.history AS h
SET drift = w.drift::jsonb, is_outstanding = w.drift::jsonb ->> 'correctedAt' IS NULL
FROM ROWS FROM (
    pg_catalog.unnest($2::text[]::bigint[]), pg_catalog.unnest($3::text[])
) AS w (id, drift)
WHERE h.id = w.id AND h.regent = $1
