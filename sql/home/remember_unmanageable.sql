-- No row: things ($2 digests, $3 SQLSTATEs, $4 messages, in parallel) refused to one Regent ($1).
INSERT INTO postgregent.unmanageable (regent, digest, sqlstate, message)
SELECT $1, w.digest, w.sqlstate, w.message
FROM ROWS FROM (
    pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[])
) AS w (digest, sqlstate, message)
ON CONFLICT (regent, digest) DO UPDATE
SET sqlstate = excluded.sqlstate, message = excluded.message, found_at = pg_catalog.now()
