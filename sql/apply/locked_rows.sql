-- One row: an object of one catalog among those that are asked for, and who wrote its ACL's row last.
SELECT a.catalog, a.oid, r.xmax
FROM asked AS a JOIN pg_catalog.:written_in: AS r ON r.oid = a.oid
WHERE a.catalog = ':catalog:'
