-- One row is a session that holds a lock on a table of ours in this database, or waits for one
-- ("is_held" is false then), but as our admin. A prepared transaction has no pid.
SELECT c.relname AS table, l.pid, a.usename AS session_user, l.granted AS is_held
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_class AS c
    ON c.oid = l.relation AND c.relkind = 'r'
   AND c.relnamespace = pg_catalog.to_regnamespace('postgregent')
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  AND l.database = (
      SELECT d.oid FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database()
  )
  AND coalesce(a.usename, '') <> SESSION_USER
ORDER BY NOT l.granted, c.relname, l.pid
LIMIT 20;
