-- One row: a publication of this database.
SELECT p.pubname::text AS name
FROM pg_catalog.pg_publication AS p
ORDER BY p.pubname
