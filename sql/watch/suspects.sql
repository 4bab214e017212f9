-- One row is a session whose last statement, of the last $1 seconds, began like one that changes
-- roles, memberships, settings, a database or event triggers; not one of ours ($2: pids).
-- "is_readable" is false where the admin may not see what others run. The text itself never leaves
-- the server.
SELECT a.pid, a.usename AS session_user, a.application_name,
    pg_catalog.host(a.client_addr) AS client,
    pg_catalog.upper(pg_catalog."substring"(a.query, '^\s*(\w+)')) AS verb,
    a.query <> '<insufficient privilege>' AS is_readable
FROM pg_catalog.pg_stat_activity AS a
WHERE a.backend_type = 'client backend'
  AND a.pid <> ALL ($2::pg_catalog.text[]::pg_catalog.int4[])
  AND a.pid <> pg_catalog.pg_backend_pid()
  AND (
      a.query = '<insufficient privilege>'
      OR a.query ~* '^\s*((alter|create|drop)\s+(role|user|group|database|event\s+trigger)|grant|revoke|reassign)\M'
      AND a.state_change > pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $1)
  )
LIMIT 50;
