-- One row: why the access of role $1 has not ended: `what` is login, sessions or prepared, `detail`
-- how many, or the name of a transaction that is prepared and changed roles, or granted this one
-- something: that locks the role as a shared object. No row: it has ended, or the role is gone.
-- $2 are the pids of our own sessions.
SELECT 'login' AS what, '' AS detail
FROM pg_catalog.pg_roles AS r WHERE r.rolname = $1 AND r.rolcanlogin
UNION ALL
SELECT 'sessions', count(*)::text
FROM pg_catalog.pg_stat_activity AS a
JOIN pg_catalog.pg_roles AS r ON r.oid = a.usesysid
WHERE r.rolname = $1 AND a.pid <> ALL ($2::text[]::integer[])
HAVING count(*) > 0
UNION ALL
SELECT DISTINCT 'prepared', p.gid
FROM pg_catalog.pg_prepared_xacts AS p
JOIN pg_catalog.pg_locks AS x
  ON x.pid IS NULL AND x.locktype = 'transactionid' AND x.transactionid = p.transaction
JOIN pg_catalog.pg_locks AS l
  ON l.pid IS NULL AND l.virtualtransaction = x.virtualtransaction
JOIN pg_catalog.pg_roles AS r ON r.rolname = $1
WHERE l.database = 0 AND (
    l.locktype = 'relation' AND l.mode = 'RowExclusiveLock'
    AND l.relation IN ('pg_catalog.pg_authid'::pg_catalog.regclass,
                       'pg_catalog.pg_auth_members'::pg_catalog.regclass)
    OR l.locktype = 'object' AND l.objid = r.oid
    AND l.classid = 'pg_catalog.pg_authid'::pg_catalog.regclass
)
