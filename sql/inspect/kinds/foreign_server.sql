-- FOREIGN SERVER: foreign servers that share owner and ACL.
SELECT 'FOREIGN SERVER', ''::text, NULL::name, pg_catalog.pg_get_userbyid(g.srvowner),
       coalesce(g.srvacl, pg_catalog.acldefault('S', g.srvowner))::text[],
       false, g.names, g.oids, NULL::oid[], NULL::text[]
FROM (
    SELECT f.srvowner, f.srvacl,
           pg_catalog.array_agg(f.srvname::text) AS names, pg_catalog.array_agg(f.oid) AS oids
    FROM pg_catalog.pg_foreign_server AS f
    GROUP BY 1, 2
) AS g
