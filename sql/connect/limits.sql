-- One row: the three limits that refuse a connection to database $1, and how much of each is in use.
-- Others' sessions are counted too: user and database of a session are seen by everybody.
SELECT
    r.rolname AS admin,
    r.rolconnlimit AS of_admin,
    (
        SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity AS a
        WHERE a.usesysid = r.oid AND a.backend_type = 'client backend'
    ) AS by_admin,
    d.datconnlimit AS of_database,
    (
        SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity AS a
        WHERE a.datid = d.oid AND a.backend_type = 'client backend'
    ) AS in_database,
    pg_catalog.current_setting('max_connections')::pg_catalog.int4 AS of_server,
    (
        SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity AS a
        WHERE a.backend_type = 'client backend'
    ) AS in_server
FROM pg_catalog.pg_roles AS r
LEFT JOIN pg_catalog.pg_database AS d ON d.datname = $1
WHERE r.rolname = SESSION_USER;
