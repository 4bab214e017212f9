-- One row: a session or a prepared transaction that has changed a role and is still open; prepared
-- ones first. Which role it was only the row of the role itself knows: leaving/role_writer.sql.
SELECT l.pid, p.gid::pg_catalog.text AS gid, a.usename::pg_catalog.text AS user_name,
    a.application_name, pg_catalog.array_agg(x.transactionid::pg_catalog.text) AS transactions
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_locks AS x
    ON x.virtualtransaction = l.virtualtransaction AND x.pid IS NOT DISTINCT FROM l.pid
    AND x.locktype = 'transactionid' AND x.mode = 'ExclusiveLock' AND x.granted
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
LEFT JOIN pg_catalog.pg_prepared_xacts AS p ON l.pid IS NULL AND p.transaction = x.transactionid
WHERE l.locktype = 'relation' AND l.database = 0 AND l.granted AND l.mode = 'RowExclusiveLock'
  AND l.relation = 'pg_catalog.pg_authid'::pg_catalog.regclass
  AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
GROUP BY l.pid, l.virtualtransaction, p.gid, a.usename, a.application_name
ORDER BY l.pid IS NOT NULL, p.gid, l.pid
