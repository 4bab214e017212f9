-- TABLESPACE: tablespaces that share owner and ACL.
SELECT 'TABLESPACE', ''::text, NULL::name, pg_catalog.pg_get_userbyid(g.spcowner),
       coalesce(g.spcacl, pg_catalog.acldefault('t', g.spcowner))::text[],
       false, g.names, g.oids, NULL::oid[], NULL::text[]
FROM (
    SELECT s.spcowner, s.spcacl,
           pg_catalog.array_agg(s.spcname::text) AS names, pg_catalog.array_agg(s.oid) AS oids
    FROM pg_catalog.pg_tablespace AS s
    GROUP BY 1, 2
) AS g
