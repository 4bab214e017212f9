-- PARAMETER: parameters on which something was granted, by ACL. The others have no row anywhere.
-- Its owner is the bootstrap superuser: https://www.postgresql.org/docs/18/catalog-pg-parameter-acl.html
SELECT 'PARAMETER', ''::text, NULL::name, pg_catalog.pg_get_userbyid(10),
       coalesce(g.paracl, pg_catalog.acldefault('p', 10))::text[], false, g.names, g.oids, NULL::oid[], NULL::text[]
FROM (
    SELECT p.paracl,
           pg_catalog.array_agg(p.parname) AS names, pg_catalog.array_agg(p.oid) AS oids
    FROM pg_catalog.pg_parameter_acl AS p
    GROUP BY 1
) AS g
