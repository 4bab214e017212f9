-- COLUMN: one column with an ACL of its own: names = {relation, column}, oids = {relation},
-- others = {the number of the column}.
-- OFFSET 0: each is looked up by itself. The planner, which makes one plan for all parameters, else
-- expects so many that it reads pg_attribute whole.
SELECT 'COLUMN', c.relkind::text, s.nspname, pg_catalog.pg_get_userbyid(c.relowner),
       c.attacl::text[], s.is_system,
       ARRAY[c.relname::text, c.attname::text], ARRAY[c.oid], ARRAY[c.attnum::oid], NULL
FROM looked_at_column AS l
CROSS JOIN LATERAL (
    SELECT r.oid, r.relname, r.relkind, r.relowner, r.relnamespace, a.attname, a.attnum, a.attacl
    FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS r ON r.oid = a.attrelid
    WHERE a.attrelid = l.attrelid AND a.attnum = l.attnum
      AND a.attacl IS NOT NULL AND NOT a.attisdropped OFFSET 0
) AS c
JOIN space AS s ON s.oid = c.relnamespace
WHERE NOT s.is_system OR EXISTS (
    SELECT FROM pg_catalog.aclexplode(c.attacl) AS e
    WHERE pg_catalog.pg_get_userbyid(e.grantee) = ANY ($1::text[]))
