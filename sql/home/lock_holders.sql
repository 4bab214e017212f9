-- One row: one session that holds one of the advisory keys ($1) in this database.
-- is_ours: its session user is an admin of ours, that is the owner role's ($2) member or a
-- superuser. Anybody may take any advisory key; a stranger's lock is not believed (rule 6).
SELECT
    w.key,
    l.pid,
    l.pid = pg_catalog.pg_backend_pid() AS is_this_session,
    coalesce(a.usename = SESSION_USER
        OR pg_catalog.pg_has_role(a.usesysid, o.oid, 'MEMBER'), false) AS is_ours,
    coalesce(a.usename::text, '') AS session_user,
    coalesce(a.application_name, '') AS application,
    coalesce(pg_catalog.host(a.client_addr), '') AS client,
    a.backend_start
FROM pg_catalog.unnest($1::text[]::bigint[]) AS w (key)
JOIN pg_catalog.pg_locks AS l
    ON l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
   AND l.classid::bigint = ((w.key >> 32) & 4294967295)
   AND l.objid::bigint = (w.key & 4294967295)
   AND l.database = (
        SELECT d.oid FROM pg_catalog.pg_database AS d
        WHERE d.datname = pg_catalog.current_database()
    )
JOIN pg_catalog.pg_roles AS o ON o.rolname = $2
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
ORDER BY l.pid, w.key
