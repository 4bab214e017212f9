-- COLUMN: one column with an ACL of its own: names = {relation, column}, oids = {relation}.
SELECT 'COLUMN', c.relkind::text, s.nspname, pg_catalog.pg_get_userbyid(c.relowner),
       a.attacl::text[], s.is_system,
       ARRAY[c.relname::text, a.attname::text], ARRAY[c.oid], NULL, NULL
FROM looked_at_column AS l
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = l.attrelid AND a.attnum = l.attnum
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN space AS s ON s.oid = c.relnamespace
WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
  AND (NOT s.is_system OR EXISTS (
        SELECT FROM pg_catalog.aclexplode(a.attacl) AS e
        WHERE pg_catalog.pg_get_userbyid(e.grantee) = ANY ($1::text[])))
