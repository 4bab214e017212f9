-- In our own schema: what has a name of the detector's and is not the detector's gets another name,
-- and an event table of ours that was renamed goes, unless something of somebody else's hangs on it. Then the installation finds its names free.
-- What belongs to another than an admin of ours is never dropped, whatever it looks like. The new
-- name is random, so that nobody can have taken it before.
DO $do$
DECLARE
    names CONSTANT text[] := ARRAY[
        'event', 'event_id_seq', 'event_taken', 'event_overflow', 'event_pkey', 'event_xid'
    ];
    ours CONSTANT regnamespace := to_regnamespace('postgregent');
    admins CONSTANT oid[] := ARRAY(
        SELECT r.oid FROM pg_catalog.pg_roles AS r
        WHERE r.rolsuper OR r.rolname IN (SESSION_USER, CURRENT_USER) OR coalesce(pg_catalog.pg_has_role(
            r.oid, pg_catalog.to_regrole('postgregent_owner'), 'MEMBER'
        ), false)
    );
    one record;
BEGIN
    FOR one IN
        SELECT c.relname AS name FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = ours AND c.relkind = 'r' AND c.relowner = ANY (admins) AND 4 = (
            SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = c.oid AND NOT a.attisdropped
              AND a.attname IN ('command_tag', 'in_extension', 'session_user_name', 'xid')
        )
    LOOP
        BEGIN
            EXECUTE pg_catalog.format('DROP TABLE postgregent.%I', one.name);
        EXCEPTION WHEN dependent_objects_still_exist THEN
            NULL;  -- a view of somebody's, a column of its type: it is kept, under another name
        END;
    END LOOP;
    FOR one IN
        SELECT c.relname AS name, CASE c.relkind WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END AS kind
        FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = ours AND c.relname::text = ANY (names) AND NOT (
            c.relkind = 'S' AND c.relowner = ANY (admins)
            AND c.relname IN ('event_taken', 'event_overflow')
        )
    LOOP
        EXECUTE pg_catalog.format(
            'ALTER %s postgregent.%I RENAME TO %I',
            one.kind, one.name, 'was_' || pg_catalog.gen_random_uuid()
        );
    END LOOP;
    FOR one IN
        SELECT t.typname AS name FROM pg_catalog.pg_type AS t
        WHERE t.typnamespace = ours AND t.typname::text = ANY (names)
    LOOP
        EXECUTE pg_catalog.format(
            'ALTER TYPE postgregent.%I RENAME TO %I',
            one.name, 'was_' || pg_catalog.gen_random_uuid()
        );
    END LOOP;
END
$do$;
