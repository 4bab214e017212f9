-- One row: a session that streams the write-ahead log to somebody, a standby or a subscriber.
SELECT coalesce(s.application_name, '') AS application, coalesce(s.usename::text, '') AS role
FROM pg_catalog.pg_stat_replication AS s
ORDER BY application, role
