-- The sequences of the event table, which is gone or has another name by now. What is in them is only
-- a hint, and can be lost. One on which something hangs gets another name.
DO $do$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['event_taken', 'event_overflow'] LOOP
        BEGIN
            EXECUTE pg_catalog.format('DROP SEQUENCE IF EXISTS postgregent.%I', one);
        EXCEPTION WHEN dependent_objects_still_exist THEN
            EXECUTE pg_catalog.format(
                'ALTER SEQUENCE postgregent.%I RENAME TO %I',
                one, 'was_' || pg_catalog.gen_random_uuid()
            );
        END;
    END LOOP;
END
$do$;
