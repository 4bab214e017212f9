-- One row: hashes over the local rows that hold privileges, for a database without event triggers.
SELECT
    (
        SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW (n.ctid, n.xmin), 0))
        FROM pg_catalog.pg_namespace AS n
    ) AS schemas,
    (
        SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW (c.ctid, c.xmin), 0))
        FROM pg_catalog.pg_class AS c
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    ) AS relations,
    (
        SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW (a.ctid, a.xmin), 0))
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attacl IS NOT NULL
    ) AS columns,
    (
        SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW (d.ctid, d.xmin), 0))
        FROM pg_catalog.pg_default_acl AS d
    ) AS defaults;
