-- One row: a subscription of any database, its owner, and whether it is enabled. Not where it leads.
SELECT s.subname::text AS name, pg_catalog.pg_get_userbyid(s.subowner)::text AS owner,
       d.datname::text AS database, s.subenabled AS is_enabled
FROM pg_catalog.pg_subscription AS s
JOIN pg_catalog.pg_database AS d ON d.oid = s.subdbid
ORDER BY s.subname, d.datname
