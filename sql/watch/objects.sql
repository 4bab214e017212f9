-- One column: a hash over the rows of one catalog that hold privileges, for a database without
-- event triggers.
(
    SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW (x.ctid, x.xmin), 0))
    FROM pg_catalog.:catalog: AS x
    WHERE :rows:
) AS :catalog:
