-- One row is a relation ($1: oids) and the transactions that last wrote its catalog row, or the row
-- of one of its columns that has an ACL.
SELECT x.oid, pg_catalog.array_agg(DISTINCT x.xmin::pg_catalog.text) AS xmins
FROM (
    SELECT r.oid, r.xmin FROM pg_catalog.pg_class AS r WHERE r.oid = ANY ($1::pg_catalog.oid[])
    UNION ALL
    SELECT a.attrelid, a.xmin FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = ANY ($1::pg_catalog.oid[]) AND a.attacl IS NOT NULL
) AS x
GROUP BY x.oid;
