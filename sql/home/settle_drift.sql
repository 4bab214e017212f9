-- One row: the new id of one drift that this Regent has corrected since: it is told anew.
-- What became of drifts ($2 ids, $3 their new text, in parallel) of one Regent ($1).
WITH became AS (
    SELECT w.id, w.drift::jsonb AS drift
    FROM ROWS FROM (
        pg_catalog.unnest($2::text[]::bigint[]), pg_catalog.unnest($3::text[])
    ) AS w (id, drift)
), ended AS (
    UPDATE postgregent.history AS h
    SET drift = b.drift, is_outstanding = b.drift ->> 'correctedAt' IS NULL
    FROM became AS b
    WHERE h.id = b.id AND h.regent = $1 AND b.drift ->> 'action' = ''
)
UPDATE postgregent.history AS h
SET id = DEFAULT, drift = b.drift, is_outstanding = false
FROM became AS b
WHERE h.id = b.id AND h.regent = $1 AND b.drift ->> 'action' <> ''
RETURNING h.id
