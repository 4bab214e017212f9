-- LARGE OBJECT: large objects that share owner and ACL. There may be millions: so only those that
-- some declaration names ($6 are their oids), those that a managed role was granted something on, and
-- where PUBLIC is managed ($7) those on which it has something.
-- pg_shdepend knows them by pg_largeobject, which holds their pages.
SELECT 'LARGE OBJECT', ''::text, NULL::name, pg_catalog.pg_get_userbyid(g.lomowner),
       coalesce(g.lomacl, pg_catalog.acldefault('L', g.lomowner))::text[],
       false, g.names, g.oids, NULL::oid[], NULL::text[]
FROM (
    SELECT o.lomowner, o.lomacl,
           pg_catalog.array_agg(o.oid::text) AS names, pg_catalog.array_agg(o.oid) AS oids
    FROM pg_catalog.pg_largeobject_metadata AS o
    WHERE o.oid IN (
        SELECT pg_catalog.unnest($6::oid[])
        UNION
        SELECT m.oid FROM pg_catalog.pg_largeobject_metadata AS m
        WHERE $7::boolean AND EXISTS (
            SELECT FROM pg_catalog.aclexplode(m.lomacl) AS x WHERE x.grantee = 0)
        UNION
        SELECT d.objid
        FROM pg_catalog.pg_roles AS r
        JOIN pg_catalog.pg_shdepend AS d
          ON d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.refobjid = r.oid
        WHERE r.rolname = ANY ($1::text[]) AND d.deptype = 'a'
          AND d.dbid = (SELECT here.oid FROM here)
          AND d.classid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass)
    GROUP BY 1, 2
) AS g
