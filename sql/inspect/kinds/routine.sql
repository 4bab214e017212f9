-- ROUTINE: functions, procedures and aggregates of one schema that share owner and ACL; arguments
-- are the types that a call brings. Of the thousands of a system schema only those are looked at
-- that have an ACL of their own. The form `i` is what is in the server's own language: the constructors
-- of ranges, which stay the superuser's. The form `d` does more than its caller may: with SECURITY
-- DEFINER, or in a language that is not trusted; of an extension, what that keeps from PUBLIC.
SELECT 'ROUTINE', g.form, s.nspname, pg_catalog.pg_get_userbyid(g.proowner),
       coalesce(g.proacl, pg_catalog.acldefault('f', g.proowner))::text[],
       s.is_system, g.names, g.oids, NULL::oid[], g.arguments
FROM (
    SELECT p.pronamespace, p.proowner, p.proacl,
           CASE WHEN p.prolang = 12 THEN 'i'
                WHEN NOT p.prosecdef AND l.lanpltrusted THEN ''
                WHEN p.oid < 16384 THEN ''
                WHEN p.oid NOT IN (
                    SELECT d.objid FROM pg_catalog.pg_depend AS d
                    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                      AND d.deptype = 'e') THEN 'd'
                WHEN p.oid IN (
                    SELECT i.objoid FROM pg_catalog.pg_init_privs AS i
                    WHERE i.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                      AND NOT EXISTS (
                          SELECT FROM pg_catalog.aclexplode(i.initprivs) AS e
                          WHERE e.grantee = 0)) THEN 'd'
                ELSE '' END AS form,
           pg_catalog.array_agg(p.proname::text) AS names, pg_catalog.array_agg(p.oid) AS oids,
           pg_catalog.array_agg(pg_catalog.oidvectortypes(p.proargtypes)) AS arguments
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
    WHERE p.proacl IS NOT NULL
       OR p.pronamespace IN (SELECT o.oid FROM space AS o WHERE NOT o.is_system)
    GROUP BY 1, 2, 3, 4
) AS g
JOIN space AS s ON s.oid = g.pronamespace
WHERE NOT s.is_system OR EXISTS (
    SELECT FROM pg_catalog.aclexplode(g.proacl) AS e
    WHERE pg_catalog.pg_get_userbyid(e.grantee) = ANY ($1::text[]))
