-- At most one row: the transaction that has written the row of role $1 and is not committed, or that
-- was rolled back. Only who may read pg_authid can ask.
SELECT a.xmax::pg_catalog.text AS transaction
FROM pg_catalog.pg_authid AS a
WHERE a.rolname = $1
