-- One row: the database in which an admin of ours ($2 is the owner role) holds one of the advisory keys
-- ($1), this one ($3) left out: the home database of another Regent. Stands beside lock_holders.sql.
SELECT d.datname::text AS home
FROM pg_catalog.unnest($1::text[]::bigint[]) AS w (key)
JOIN pg_catalog.pg_locks AS l
    ON l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
   AND l.classid::bigint = ((w.key >> 32) & 4294967295)
   AND l.objid::bigint = (w.key & 4294967295)
JOIN pg_catalog.pg_database AS d ON d.oid = l.database AND d.datname <> $3
JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
JOIN pg_catalog.pg_roles AS o ON o.rolname = $2
WHERE a.usename = SESSION_USER OR pg_catalog.pg_has_role(a.usesysid, o.oid, 'MEMBER')
ORDER BY d.datname
LIMIT 1
