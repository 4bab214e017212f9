-- One row: one role whose correction is paused now, the first to end first, with the seconds until it
-- ends. By the server's clock, as postgregent.pause(): a Regent's may differ. A row that pause() cannot
-- have made is no pause: no time of it is believed.
SELECT
    p.role_oid::bigint AS role_oid, p.role, p.until, p.reason, p.paused_by, p.paused_at,
    extract(epoch FROM p.until - t.now)::float8 AS left_seconds
FROM postgregent.pauses AS p
CROSS JOIN (SELECT pg_catalog.clock_timestamp() AS now) AS t
WHERE p.until > t.now
    AND p.until <= t.now + interval '8 days'
    AND p.paused_at BETWEEN t.now - interval '8 days' AND t.now + interval '8 days'
ORDER BY p.until, p.role_oid
