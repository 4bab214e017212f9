-- One row: a hash over (ctid, xmin) of the privileges on parameters, which exist from 15 on.
SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW (p.ctid, p.xmin), 0)) AS parameters
FROM pg_catalog.pg_parameter_acl AS p;
