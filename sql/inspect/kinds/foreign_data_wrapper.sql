-- FOREIGN DATA WRAPPER: foreign-data wrappers that share owner and ACL.
SELECT 'FOREIGN DATA WRAPPER', ''::text, NULL::name, pg_catalog.pg_get_userbyid(g.fdwowner),
       coalesce(g.fdwacl, pg_catalog.acldefault('F', g.fdwowner))::text[],
       false, g.names, g.oids, NULL::oid[], NULL::text[]
FROM (
    SELECT w.fdwowner, w.fdwacl,
           pg_catalog.array_agg(w.fdwname::text) AS names, pg_catalog.array_agg(w.oid) AS oids
    FROM pg_catalog.pg_foreign_data_wrapper AS w
    GROUP BY 1, 2
) AS g
