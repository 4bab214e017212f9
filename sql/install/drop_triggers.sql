-- Every event trigger that calls into our schema, whatever its name became, and those of our names:
-- the first thing to go, as a trigger without its function breaks commands.
DO $do$
DECLARE
    trigger_name name;
BEGIN
    FOR trigger_name IN
        SELECT t.evtname
        FROM pg_catalog.pg_event_trigger AS t
        JOIN pg_catalog.pg_proc AS p ON p.oid = t.evtfoid
        WHERE p.pronamespace = pg_catalog.to_regnamespace('postgregent')
           OR t.evtname IN (
               'postgregent_change', 'postgregent_drop', 'postgregent_prevent'
           )
    LOOP
        EXECUTE pg_catalog.format('DROP EVENT TRIGGER %I', trigger_name);
    END LOOP;
END
$do$;
