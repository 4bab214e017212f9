-- At most one row: whether the session ($1 pid, $2 its start, $3 its user) was told to end. The
-- start and the user see to it that a pid that was given out again is not hit.
SELECT pg_catalog.pg_terminate_backend(a.pid) AS was_told
FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid = $1 AND a.backend_start IS NOT DISTINCT FROM $2 AND a.usename = $3
