-- The judge, trigger first. What somebody made hang on a part of it keeps that part, under another
-- name that nobody can have taken before.
DO $do$
DECLARE
    one record;
BEGIN
    DROP EVENT TRIGGER IF EXISTS postgregent_prevent;
    FOR one IN
        SELECT p.oid::pg_catalog.regprocedure::text AS named, 'ROUTINE' AS kind
        FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = pg_catalog.to_regnamespace('postgregent')
          AND p.proname = 'refuse_change'
        UNION ALL
        SELECT c.oid::pg_catalog.regclass::text,
            CASE c.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END
        FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = pg_catalog.to_regnamespace('postgregent')
          AND c.relkind IN ('r', 'S', 'v')
          AND c.relname IN (
              'guard', 'declared_role', 'declared', 'declared_edge', 'judged_until', 'not_judged'
          )
    LOOP
        BEGIN
            EXECUTE pg_catalog.format('DROP %s %s', one.kind, one.named);
        EXCEPTION WHEN dependent_objects_still_exist THEN
            EXECUTE pg_catalog.format(
                'ALTER %s %s RENAME TO %I',
                one.kind, one.named, 'was_' || pg_catalog.gen_random_uuid()
            );
        END;
    END LOOP;
END
$do$;
