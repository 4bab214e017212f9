-- DATABASE: databases that share owner and ACL; templates are left out.
-- $1 are the databases that somebody asked for: those come even when they are templates.
SELECT 'DATABASE' AS part, '' AS form, NULL::name AS schema,
       pg_catalog.pg_get_userbyid(g.datdba) AS owner,
       coalesce(g.datacl, pg_catalog.acldefault('d', g.datdba))::text[] AS acl,
       false AS is_system, g.names, g.oids, NULL::oid[] AS others, NULL::text[] AS arguments
FROM (
    SELECT d.datdba, d.datacl,
           pg_catalog.array_agg(d.datname::text) AS names, pg_catalog.array_agg(d.oid) AS oids
    FROM (
        SELECT * FROM pg_catalog.pg_database AS d
        WHERE NOT d.datistemplate OR d.datname = ANY ($1::text[]::name[])
        ORDER BY d.oid
    ) AS d
    GROUP BY 1, 2
) AS g
