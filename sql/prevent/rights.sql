-- What the admin's default privileges gave others on the parts of the judge, a moment ago.
DO $do$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT p.named, p.kind,
            CASE i.grantee
                WHEN 0 THEN 'PUBLIC'
                ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(i.grantee))
            END AS whose
        FROM (
            SELECT 'ROUTINE' AS kind, f.oid::pg_catalog.regprocedure::text AS named,
                f.proowner AS owner, f.proacl AS acl
            FROM pg_catalog.pg_proc AS f
            WHERE f.pronamespace = pg_catalog.to_regnamespace('postgregent')
              AND f.proname = 'refuse_change'
            UNION ALL
            SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                c.oid::pg_catalog.regclass::text, c.relowner, c.relacl
            FROM pg_catalog.pg_class AS c
            WHERE c.relnamespace = pg_catalog.to_regnamespace('postgregent')
              AND c.relname IN (
                  'guard', 'declared_role', 'declared', 'declared_edge', 'judged_until', 'not_judged'
              )
        ) AS p, pg_catalog.aclexplode(p.acl) AS i
        WHERE i.grantee <> p.owner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s', one.kind, one.named, one.whose);
    END LOOP;
END
$do$;
GRANT SELECT ON postgregent.guard, postgregent.declared_role, postgregent.declared,
    postgregent.declared_edge, postgregent.judged_until, postgregent.not_judged
TO pg_database_owner;
