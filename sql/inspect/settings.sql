-- One row is what ALTER ROLE .. SET keeps for one role, in one database or (NULL) in all.
SELECT s.setrole AS role_oid, d.datname::text AS database, s.setconfig AS assignments
FROM pg_catalog.pg_db_role_setting AS s
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase
WHERE s.setrole <> 0 AND (s.setdatabase = 0 OR d.oid IS NOT NULL)
ORDER BY s.setrole, s.setdatabase
