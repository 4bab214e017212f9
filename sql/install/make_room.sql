-- What has a name of the detector's and is not the detector's, in our own schema: an event table that
-- was renamed goes, everything else gets another name. Then the installation finds its names free.
DO $do$
DECLARE
    names CONSTANT text[] := ARRAY[
        'event', 'event_id_seq', 'event_taken', 'event_overflow', 'event_pkey', 'event_xid'
    ];
    ours CONSTANT regnamespace := to_regnamespace('postgregent');
    one record;
BEGIN
    FOR one IN
        SELECT c.relname AS name FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = ours AND c.relkind = 'r' AND 4 = (
            SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = c.oid AND NOT a.attisdropped
              AND a.attname IN ('command_tag', 'in_extension', 'session_user_name', 'xid')
        )
    LOOP
        EXECUTE pg_catalog.format('DROP TABLE postgregent.%I', one.name);
    END LOOP;
    FOR one IN
        SELECT c.oid, c.relname AS name,
            CASE c.relkind WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END AS kind
        FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = ours AND c.relname::text = ANY (names)
    LOOP
        EXECUTE pg_catalog.format(
            'ALTER %s postgregent.%I RENAME TO %I', one.kind, one.name, 'was_' || one.oid
        );
    END LOOP;
    FOR one IN
        SELECT t.oid, t.typname AS name FROM pg_catalog.pg_type AS t
        WHERE t.typnamespace = ours AND t.typname::text = ANY (names)
    LOOP
        EXECUTE pg_catalog.format(
            'ALTER TYPE postgregent.%I RENAME TO %I', one.name, 'was_' || one.oid
        );
    END LOOP;
END
$do$;
