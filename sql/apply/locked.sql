-- One row: who keeps one of the objects $1 (catalogs), $2 (oids), in parallel, or one of the roles $3
-- (names) as a grantee, from our GRANT or REVOKE now. A prepared transaction has a name and no pid;
-- with neither it is not known.
--
-- is_hard: it conflicts with ACCESS SHARE, or the catalog row has an uncommitted new version. Else
-- only the stronger lock is not to be had (VACUUM, CREATE INDEX CONCURRENTLY). Who waits for such a
-- lock is in the way too: the queue goes before us. A subtransaction that was released holds no lock
-- of its own any more; it is of one of those whose transaction began before it.
WITH asked AS (
    SELECT x.catalog, x.oid
    FROM ROWS FROM (
        pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.oid[])
    ) AS x (catalog, oid)
),
lock AS MATERIALIZED (
    SELECT l.locktype, l.database, l.relation, l.classid, l.objid, l.transactionid, l.mode, l.pid,
        CASE WHEN l.pid IS NULL
            THEN pg_catalog.min(l.transactionid::pg_catalog.text::pg_catalog.int8)
                OVER (PARTITION BY l.virtualtransaction, l.pid) END AS prepared
    FROM pg_catalog.pg_locks AS l
    WHERE l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
),
here AS (
    SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
),
written AS (
    SELECT a.catalog, a.oid, r.xmax
    FROM asked AS a JOIN pg_catalog.pg_attribute AS r ON r.attrelid = a.oid
    WHERE a.catalog = 'pg_class'
    :others:
),
-- The transaction of a new version in 64 bits; from the next one on it began just now.
row_held AS (
    SELECT DISTINCT x.catalog, x.oid, x.writer, n.next,
        n.next - (n.next - x.writer) % 4294967296 AS whole
    FROM (
        SELECT w.catalog, w.oid, w.xmax::pg_catalog.text::pg_catalog.int8 AS writer FROM written AS w
    ) AS x
    CROSS JOIN (
        SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
            ::pg_catalog.text::pg_catalog.int8 AS next
    ) AS n
    WHERE x.writer <> 0
),
found AS (
    SELECT a.catalog, a.oid, NULL::pg_catalog.text AS role,
        l.mode = 'AccessExclusiveLock' AS is_hard, l.pid, l.prepared
    FROM asked AS a JOIN lock AS l ON l.relation = a.oid
    WHERE a.catalog = 'pg_class' AND l.locktype = 'relation'
      AND l.database = (SELECT h.oid FROM here AS h)
      AND l.mode IN (
            'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
            'AccessExclusiveLock'
        )
    UNION ALL
    SELECT a.catalog, a.oid, NULL, true, l.pid, l.prepared
    FROM asked AS a JOIN lock AS l
        ON l.objid = a.oid AND l.classid = pg_catalog.to_regclass('pg_catalog.' || a.catalog)
    WHERE l.locktype = 'object'
      AND l.database IN (0, (SELECT h.oid FROM here AS h))
      AND l.mode = 'AccessExclusiveLock'
    UNION ALL
    SELECT NULL, NULL, r.rolname::pg_catalog.text, true, l.pid, l.prepared
    FROM lock AS l JOIN pg_catalog.pg_roles AS r ON r.oid = l.objid
    WHERE l.locktype = 'object' AND r.rolname = ANY ($3::pg_catalog.text[])
      AND l.classid = 'pg_catalog.pg_authid'::pg_catalog.regclass
      AND l.mode = 'AccessExclusiveLock'
    UNION ALL
    SELECT w.catalog, w.oid, NULL, true, l.pid, l.prepared
    FROM row_held AS w JOIN lock AS l
        ON l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock'
        AND l.transactionid::pg_catalog.text::pg_catalog.int8 = w.writer
    UNION ALL
    SELECT w.catalog, w.oid, NULL, true, o.pid, o.prepared
    FROM row_held AS w
    LEFT JOIN lock AS o
        ON o.locktype = 'transactionid' AND o.mode = 'ExclusiveLock'
        AND (w.writer - o.transactionid::pg_catalog.text::pg_catalog.int8 + 4294967296) % 4294967296
            < 2147483648
    WHERE NOT EXISTS (
            SELECT FROM lock AS l
            WHERE l.locktype = 'transactionid'
              AND l.transactionid::pg_catalog.text::pg_catalog.int8 = w.writer
        )
      AND CASE
            WHEN w.whole >= w.next THEN true
            WHEN w.whole < 3 THEN false
            ELSE pg_catalog.pg_xact_status(w.whole::pg_catalog.text::pg_catalog.xid8)
                = 'in progress'
        END
)
SELECT f.catalog, f.oid, f.role, pg_catalog.bool_or(f.is_hard) AS is_hard, f.pid, p.gid::pg_catalog.text AS gid,
    a.usename::pg_catalog.text AS user_name, a.application_name
FROM found AS f
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = f.pid
LEFT JOIN pg_catalog.pg_prepared_xacts AS p
    ON p.transaction::pg_catalog.text::pg_catalog.int8 = f.prepared
GROUP BY f.catalog, f.oid, f.role, f.pid, p.gid, a.usename, a.application_name
ORDER BY f.catalog, f.oid, f.role, f.pid
