-- One row: what this server is, who we are on it (the role that acts, and the one that logged in:
-- two with setRole).
SELECT pg_catalog.current_setting('server_version_num')::integer AS version_num,
       current_user::text AS admin,
       session_user::text AS login,
       l.rolsuper AS login_is_superuser,
       r.rolsuper AS admin_is_superuser,
       pg_catalog.pg_is_in_recovery() AS is_in_recovery,
       ARRAY(
           SELECT DISTINCT l.rolname::text
           FROM pg_catalog.pg_stat_activity AS a
               JOIN pg_catalog.pg_roles AS l ON l.oid = a.usesysid
           WHERE NOT l.rolcanlogin
       ) AS lingering,
       ARRAY(
           SELECT DISTINCT l.rolname::text
           FROM pg_catalog.pg_stat_activity AS a
               JOIN pg_catalog.pg_roles AS l ON l.oid = a.usesysid
           WHERE l.rolcanlogin
       ) AS connected,
       -- Databases, and in parallel the roles that may log in and have a session there.
       ARRAY(
           SELECT DISTINCT ARRAY[a.datname::text, l.rolname::text]
           FROM pg_catalog.pg_stat_activity AS a
               JOIN pg_catalog.pg_roles AS l ON l.oid = a.usesysid
           WHERE l.rolcanlogin AND a.datname IS NOT NULL
       ) AS connected_to,
       ARRAY(
           SELECT DISTINCT l.rolname::text
           FROM pg_catalog.pg_subscription AS s
               JOIN pg_catalog.pg_roles AS l ON l.oid = s.subowner
           WHERE s.subenabled
       ) AS subscribers,
       -- Transactions that are prepared and changed roles: what they did is not to be seen yet.
       CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_prepared_xacts) THEN ARRAY(
           SELECT DISTINCT p.gid
           FROM pg_catalog.pg_prepared_xacts AS p
               JOIN pg_catalog.pg_locks AS x
                 ON x.pid IS NULL AND x.locktype = 'transactionid'
                AND x.transactionid = p.transaction
               JOIN pg_catalog.pg_locks AS k
                 ON k.pid IS NULL AND k.virtualtransaction = x.virtualtransaction
           WHERE k.locktype = 'relation' AND k.database = 0 AND k.mode = 'RowExclusiveLock'
             AND k.relation IN ('pg_catalog.pg_authid'::pg_catalog.regclass,
                                'pg_catalog.pg_auth_members'::pg_catalog.regclass)
       ) END AS prepared,
       -- Roles that a prepared transaction grants something to: it locks them as shared objects.
       CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_prepared_xacts) THEN ARRAY(
           SELECT DISTINCT g.rolname::text
           FROM pg_catalog.pg_locks AS k JOIN pg_catalog.pg_roles AS g ON g.oid = k.objid
           WHERE k.pid IS NULL AND k.locktype = 'object' AND k.database = 0
             AND k.classid = 'pg_catalog.pg_authid'::pg_catalog.regclass
       ) END AS granted_to
FROM pg_catalog.pg_roles AS r
JOIN pg_catalog.pg_roles AS l ON l.rolname = session_user
WHERE r.rolname = current_user
