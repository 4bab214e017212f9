-- The function; its triggers are gone already. Whoever may use the schema can make a view that names
-- it, and hangs on it: then it is left under another name.
DO $do$
BEGIN
    DROP ROUTINE IF EXISTS postgregent.record_change();
EXCEPTION WHEN dependent_objects_still_exist THEN
    EXECUTE pg_catalog.format(
        'ALTER ROUTINE postgregent.record_change() RENAME TO %I',
        'was_' || pg_catalog.gen_random_uuid()
    );
END
$do$;
