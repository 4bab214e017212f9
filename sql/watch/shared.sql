-- One row: a hash over (ctid, xmin) of each catalog that the whole server shares. ctid alone is
-- fooled by reuse; a count misses updates. For an admin who may not read pg_authid, not even its
-- xmin, :table: is pg_roles and :version: its contents, which show all but a changed password.
SELECT
    (
        SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(:version:, 0))
        FROM pg_catalog.:table: AS r
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
