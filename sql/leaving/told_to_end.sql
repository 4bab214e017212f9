-- One row for each session of the roles $1 that was told to end now, as far as the admin may. $2 are
-- the pids of our own sessions. Those of this user are left (leaving/sessions.sql), and those of
-- superusers where it is none.
SELECT pg_catalog.pg_terminate_backend(s.pid) AS was_told
FROM (
    SELECT a.pid
    FROM pg_catalog.pg_stat_activity AS a
    JOIN pg_catalog.pg_roles AS u ON u.oid = a.usesysid
    WHERE u.rolname = ANY ($1::pg_catalog.text[])
      AND a.pid <> pg_catalog.pg_backend_pid()
      AND a.pid <> ALL ($2::pg_catalog.text[]::pg_catalog.int4[])
      AND u.rolname <> SESSION_USER
      AND (NOT u.rolsuper OR (
            SELECT m.rolsuper FROM pg_catalog.pg_roles AS m WHERE m.rolname = CURRENT_USER
          ))
      AND (pg_catalog.pg_has_role(u.oid, 'USAGE')
           OR pg_catalog.pg_has_role('pg_signal_backend', 'USAGE'))
    OFFSET 0
) AS s
