-- Called by both event triggers. It writes what a command did to postgregent.event, and wakes the
-- Regent with a NOTIFY that names the transaction (equal payloads of one transaction collapse).
--
-- Whatever is wrong becomes a WARNING, and the command goes through. So no variable may have a type
-- that somebody could drop (that would fail outside of the block). What could not be recorded is
-- counted in event_overflow, which asks for a full pass and is not undone with anything.
-- It raises only where not even that can be counted, for what the command ran into itself: the depth
-- of the stack, which whoever calls chooses, or locks or memory that are used up (ADR 67).
-- An index of somebody's may run its expression in an autovacuum worker, as the bootstrap superuser:
-- so a session that is no client's is named by what it is.
-- SECURITY DEFINER hides current_user: the setting "role" is what can be known of SET ROLE.
-- lock_timeout: a lock that somebody holds on our table must not stop anybody's command.
-- A bulk transaction writes at most 32 rows: each costs it a subtransaction. A SERIALIZABLE one
-- must not read the table, or two of them would fail each other, so there they are not counted.
-- PREPARE TRANSACTION fails after a NOTIFY: where it is possible at all, the watcher finds the row.
-- A full NOTIFY queue fails a COMMIT: so none from half full.
-- Inside of REFRESH MATERIALIZED VIEW PostgreSQL tells nothing of a command but its tag: it is recorded
-- without its object. A command that found nothing to do looks alike, so it is only where this
-- transaction wrote one of the catalogs that privileges hang on.
CREATE OR REPLACE FUNCTION postgregent.record_change() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $body$
DECLARE
    tags text[];
    types text[];
    classids oid[];
    objids oid[];
    in_extension boolean[];
    may_notify boolean := pg_catalog.current_setting('max_prepared_transactions')::integer = 0
        AND pg_catalog.pg_notification_queue_usage() < 0.5;
    recorded bigint := 0;
    unread bigint;
    is_counted boolean := false;
    server_process text;
BEGIN
    BEGIN
        IF tg_event = 'sql_drop' THEN
            SELECT array_agg(tg_tag), array_agg(d.object_type), array_agg(d.classid),
                array_agg(d.objid), array_agg(false)
            INTO tags, types, classids, objids, in_extension
            FROM (
                SELECT o.object_type, o.classid, o.objid
                FROM pg_catalog.pg_event_trigger_dropped_objects() AS o
                WHERE NOT o.is_temporary
                  AND o.object_type IN (
                      'schema', 'table', 'table column', 'view', 'materialized view',
                      'foreign table', 'sequence', 'function', 'procedure', 'aggregate', 'type',
                      'domain', 'language', 'foreign-data wrapper', 'server', 'large object',
                      'default acl', 'extension'
                  )
                ORDER BY o.original DESC
                LIMIT 1
            ) AS d;
        ELSE
            SELECT array_agg(c.command_tag), array_agg(c.object_type), array_agg(c.classid),
                array_agg(c.objid), array_agg(c.in_extension)
            INTO tags, types, classids, objids, in_extension
            FROM pg_catalog.pg_event_trigger_ddl_commands() AS c
            WHERE c.schema_name IS DISTINCT FROM 'pg_temp'
              AND c.object_type NOT IN ('index', 'policy', 'trigger', 'rule');
        END IF;
        IF tags IS NULL AND tg_event = 'ddl_command_end'
            AND pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger_ddl_commands())
            AND (pg_catalog.current_setting('track_counts') <> 'on' OR EXISTS (
                SELECT FROM unnest(ARRAY[
                    'pg_class', 'pg_attribute', 'pg_proc', 'pg_namespace', 'pg_type',
                    'pg_language', 'pg_foreign_data_wrapper', 'pg_foreign_server',
                    'pg_largeobject_metadata', 'pg_default_acl', 'pg_extension', 'pg_depend'
                ]) AS c (name)
                WHERE 0 < pg_catalog.pg_stat_get_xact_tuples_inserted(c.name::regclass)
                    + pg_catalog.pg_stat_get_xact_tuples_updated(c.name::regclass)
                    + pg_catalog.pg_stat_get_xact_tuples_deleted(c.name::regclass)
            ))
        THEN
            tags := ARRAY[tg_tag];
            types := ARRAY[NULL];
            classids := ARRAY[NULL];
            objids := ARRAY[NULL];
            in_extension := ARRAY[false];
        END IF;
        IF tags IS NULL THEN
            RETURN;
        END IF;
        IF pg_catalog.current_setting('transaction_isolation') <> 'serializable' THEN
            SELECT count(*) INTO recorded
            FROM postgregent.event AS e WHERE e.xid = pg_catalog.pg_current_xact_id();
        END IF;
        IF recorded >= 32 THEN
            RETURN;
        END IF;
        IF pg_catalog.inet_client_addr() IS NULL THEN
            SELECT a.backend_type INTO server_process
            FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS a
            WHERE a.backend_type <> 'client backend';
        END IF;
        unread := coalesce(pg_catalog.pg_sequence_last_value('postgregent.event_id_seq'), 0)
            - coalesce(pg_catalog.pg_sequence_last_value('postgregent.event_taken'), 0);
        IF unread < 99000 THEN
            INSERT INTO postgregent.event (
                at, xid, command_tag, object_type, classid, objid, in_extension,
                session_user_name, role, pid, application_name, client_addr, backend_type
            )
            SELECT pg_catalog.clock_timestamp(), pg_catalog.pg_current_xact_id(),
                c.tag, c.type, c.classid, c.objid, c.in_extension,
                session_user, nullif(pg_catalog.current_setting('role'), 'none'),
                pg_catalog.pg_backend_pid(), pg_catalog.current_setting('application_name'),
                pg_catalog.inet_client_addr(), server_process
            FROM unnest(tags, types, classids, objids, in_extension)
                AS c (tag, type, classid, objid, in_extension)
            LIMIT 32 - recorded;
        ELSE
            PERFORM pg_catalog.nextval('postgregent.event_overflow');
        END IF;
        IF may_notify THEN
            PERFORM pg_catalog.pg_notify('postgregent', pg_catalog.pg_current_xact_id()::text);
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'postgregent could not record this command, which goes on: %', sqlerrm
            USING HINT = 'The Regent repairs its schema "postgregent" by itself.';
        BEGIN
            PERFORM pg_catalog.nextval('postgregent.event_overflow');
            is_counted := true;
        EXCEPTION
            WHEN statement_too_complex THEN RAISE;
            WHEN OTHERS THEN NULL;
        END;
        IF NOT is_counted AND sqlstate LIKE '53%' THEN
            RAISE;
        END IF;
        BEGIN
            IF may_notify THEN
                PERFORM pg_catalog.pg_notify('postgregent', '');
            END IF;
        EXCEPTION
            WHEN statement_too_complex THEN RAISE;
            WHEN OTHERS THEN NULL;
        END;
    END;
END
$body$;
ALTER FUNCTION postgregent.record_change() OWNER TO CURRENT_USER;
REVOKE ALL ON FUNCTION postgregent.record_change() FROM PUBLIC;
