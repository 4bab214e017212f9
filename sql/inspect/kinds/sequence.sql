-- SEQUENCE: sequences of one schema, of one form, that share owner and ACL.
SELECT 'SEQUENCE', g.relkind::text, s.nspname, pg_catalog.pg_get_userbyid(g.relowner),
       coalesce(g.relacl, pg_catalog.acldefault('s', g.relowner))::text[],
       s.is_system, g.names, g.oids, NULL, NULL
FROM relation_group AS g JOIN space AS s ON s.oid = g.relnamespace
WHERE g.relkind = 'S' AND (NOT s.is_system OR EXISTS (
    SELECT FROM pg_catalog.aclexplode(g.relacl) AS e
    WHERE pg_catalog.pg_get_userbyid(e.grantee) = ANY ($1::text[])))
