-- No row: Regent $1 found roles that nobody declares: $2 oids, $3 names, $4 times, in parallel, and
-- $5 who made them, as far as it is known. What is known of a role already stays.
WITH looked AS (
    INSERT INTO postgregent.regents AS r (regent, unmanaged_since) VALUES ($1, pg_catalog.now())
    ON CONFLICT (regent) DO UPDATE
    SET unmanaged_since = coalesce(r.unmanaged_since, excluded.unmanaged_since)
)
INSERT INTO postgregent.unmanaged AS u (regent, role_oid, role, appeared_at, actor)
SELECT $1, w.role_oid, w.role, w.appeared_at, $5::jsonb
FROM ROWS FROM (
    pg_catalog.unnest($2::oid[]), pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::timestamptz[])
) AS w (role_oid, role, appeared_at)
ON CONFLICT (regent, role_oid) DO UPDATE
SET role = excluded.role, actor = coalesce(u.actor, excluded.actor)
