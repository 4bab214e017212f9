-- One row: a hash over (ctid, xmin) of each catalog that the whole server shares. ctid alone is
-- fooled by reuse; a count misses updates. For an admin who may not read pg_authid, not even its
-- xmin: then the contents of pg_roles, which show everything but a changed password.
SELECT
    (
        SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(r, 0))
        FROM pg_catalog.pg_roles AS r
    ) AS roles,
    (
        SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW (m.ctid, m.xmin), 0))
        FROM pg_catalog.pg_auth_members AS m
    ) AS memberships,
    (
        SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW (s.ctid, s.xmin), 0))
        FROM pg_catalog.pg_db_role_setting AS s
    ) AS settings,
    (
        SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW (d.ctid, d.xmin), 0))
        FROM pg_catalog.pg_database AS d
    ) AS databases,
    (
        SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW (t.ctid, t.xmin), 0))
        FROM pg_catalog.pg_tablespace AS t
    ) AS tablespaces;
