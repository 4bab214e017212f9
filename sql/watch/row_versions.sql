-- One row is an object of one catalog ($1: oids) and the transaction that last wrote its row.
SELECT r.oid, ARRAY[r.xmin::pg_catalog.text] AS xmins
FROM pg_catalog.:catalog: AS r
WHERE r.oid = ANY ($1::pg_catalog.oid[]);
