-- LANGUAGE: trusted languages that share owner and ACL. On the others nothing can be granted.
SELECT 'LANGUAGE', ''::text, NULL::name, pg_catalog.pg_get_userbyid(g.lanowner),
       coalesce(g.lanacl, pg_catalog.acldefault('l', g.lanowner))::text[],
       false, g.names, g.oids, NULL::oid[], NULL::text[]
FROM (
    SELECT l.lanowner, l.lanacl,
           pg_catalog.array_agg(l.lanname::text) AS names, pg_catalog.array_agg(l.oid) AS oids
    FROM pg_catalog.pg_language AS l
    WHERE l.lanpltrusted
    GROUP BY 1, 2
) AS g
