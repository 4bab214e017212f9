-- Called at the end of GRANT, REVOKE, CREATE SCHEMA (whose elements may be GRANTs) and DROP OWNED.
-- It refuses what would make a managed role's privileges differ from what is in force
-- (rule 25, ADR 50), on the ACL rows that its own transaction wrote.
--
-- Whoever asks is known by session_user, never by a setting. A row is its transaction's own when it
-- is visible and its xmin is not over: others' rows are visible only when they are committed. xmin
-- may be that of a subtransaction, which is never lower than the transaction's own. (A row that was
-- frozen two thousand million transactions ago keeps its xmin, and looks like one of the future.)
-- No catalog is read but those of the kinds that were granted on, and of these only what
-- pg_stat_get_xact_tuples_updated counts rows of: it knows all that this transaction wrote, and
-- perhaps what the one before it did.
-- Each row is judged once, at the end of the command that wrote it: judged_until remembers the last
-- command, for whichever transaction was judged last. A command is never numbered lower than one before
-- it, be that rolled back. Where others were judged in between, all of the transaction's own are again.
-- Of a command that wrote more, the thousand rows that were written last are judged.
-- Inside of REFRESH MATERIALIZED VIEW PostgreSQL tells nothing of a command but its tag: then what it
-- granted on is looked for in all of these catalogs. CREATE SCHEMA IF NOT EXISTS that found one looks
-- alike, and made no row.
-- Nothing but its own refusal may stop a command: any error of the judge is a WARNING, and is
-- counted; but for the stack depth, which whoever calls chooses, and has used up (ADR 67). So no
-- variable may have a type that somebody could drop.
CREATE OR REPLACE FUNCTION postgregent.refuse_change() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $body$
DECLARE
    most CONSTANT integer := 1000;
    mine CONSTANT bigint := pg_catalog.pg_current_xact_id_if_assigned()::text::bigint;
    home_of name;
    key_of bigint;
    mine_age integer;
    mark CONSTANT bigint := (mine % 2147483648) << 32;
    since bigint;
    latest bigint;
    newest bigint := -1;
    granted_on text[];
    is_hidden boolean;
    judged record;
    ids oid[];
    parts integer[];
    owners oid[];
    grantees oid[];
    privileges text[];
    options boolean[];
    is_held boolean;
    refusal text;
    hint text;
BEGIN
    BEGIN
        IF mine IS NULL OR session_user = current_user
            OR coalesce(pg_catalog.pg_has_role(
                session_user, pg_catalog.to_regrole('postgregent_owner'), 'MEMBER'
            ), false)
            OR (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = session_user)
        THEN
            RETURN;
        END IF;
        SELECT count(*) = 0, array_agg(c.object_type) FILTER (
            WHERE c.command_tag IN ('GRANT', 'REVOKE') AND NOT c.in_extension
        ) INTO is_hidden, granted_on
        FROM pg_catalog.pg_event_trigger_ddl_commands() AS c;
        IF is_hidden AND tg_tag = 'CREATE SCHEMA' THEN
            is_hidden := pg_catalog.pg_stat_get_xact_tuples_inserted('pg_namespace'::regclass) > 0;
        END IF;
        IF granted_on IS NULL AND NOT is_hidden AND tg_tag <> 'DROP OWNED' THEN
            RETURN;
        END IF;
        SELECT g.home, g.lock_key INTO home_of, key_of
        FROM postgregent.guard AS g
        JOIN pg_catalog.pg_database AS d ON d.oid = g.database
        WHERE d.datname = pg_catalog.current_database();
        IF home_of IS NULL THEN
            RETURN;
        END IF;
        since := coalesce(pg_catalog.pg_sequence_last_value('postgregent.judged_until'), -1) - mark;
        since := CASE WHEN since BETWEEN 0 AND 4294967295 THEN since ELSE -1 END;
        mine_age := pg_catalog.age((mine % 4294967296)::text::xid);

        FOR judged IN
            SELECT c.name::text AS name, c.name::regclass::oid AS id, c.is_it, c.part, c.owner,
                c.acl, coalesce(c.named_in, c.name)::regclass::oid AS named_in,
                coalesce(c.described_in, c.named_in, c.name)::regclass::oid AS described_in
            FROM (VALUES
                ('pg_catalog.pg_class', 'TABLE,SEQUENCE',
                    'x.oid', '0', 'x.relowner', 'x.relacl', NULL, NULL),
                ('pg_catalog.pg_attribute', 'TABLE,SEQUENCE',
                    'x.attrelid', 'CASE WHEN NOT x.attisdropped THEN x.attnum::integer END',
                    '(SELECT c.relowner FROM pg_catalog.pg_class AS c WHERE c.oid = x.attrelid)',
                    'x.attacl', 'pg_catalog.pg_class', NULL),
                ('pg_catalog.pg_proc', 'FUNCTION,PROCEDURE,ROUTINE',
                    'x.oid', '0', 'x.proowner', 'x.proacl', NULL, NULL),
                ('pg_catalog.pg_namespace', 'SCHEMA',
                    'x.oid', '0', 'x.nspowner', 'x.nspacl', NULL, NULL),
                ('pg_catalog.pg_type', 'TYPE,DOMAIN',
                    'x.oid', '0', 'x.typowner', 'x.typacl', NULL, NULL),
                ('pg_catalog.pg_language', 'LANGUAGE',
                    'x.oid', '0', 'x.lanowner', 'x.lanacl', NULL, NULL),
                ('pg_catalog.pg_foreign_data_wrapper', 'FOREIGN DATA WRAPPER',
                    'x.oid', '0', 'x.fdwowner', 'x.fdwacl', NULL, NULL),
                ('pg_catalog.pg_foreign_server', 'FOREIGN SERVER',
                    'x.oid', '0', 'x.srvowner', 'x.srvacl', NULL, NULL),
                ('pg_catalog.pg_largeobject_metadata', 'LARGE OBJECT',
                    'x.oid', '0', 'x.lomowner', 'x.lomacl', NULL, 'pg_catalog.pg_largeobject')
            ) AS c (name, types, is_it, part, owner, acl, named_in, described_in)
            WHERE (granted_on IS NULL OR granted_on && pg_catalog.string_to_array(c.types, ','))
              AND (
                  pg_catalog.current_setting('track_counts') <> 'on'
                  OR pg_catalog.pg_stat_get_xact_tuples_updated(c.name::regclass) > 0
              )
        LOOP
            EXECUTE pg_catalog.format($query$
                SELECT pg_catalog.array_agg(o.objid), pg_catalog.array_agg(o.objsubid),
                    pg_catalog.array_agg(o.owner), pg_catalog.array_agg(i.grantee),
                    pg_catalog.array_agg(i.privilege_type), pg_catalog.array_agg(i.is_grantable),
                    pg_catalog.max(o.command)
                FROM (
                    SELECT %1$s AS objid, %2$s AS objsubid, %4$s AS owner, %5$s AS acl,
                        x.cmin::text::bigint AS command
                    FROM %3$s AS x
                    WHERE pg_catalog.age(x.xmin) <= $1
                      AND pg_catalog.age(x.xmin) >= -1073741824
                      AND x.cmin::text::bigint > $4
                      AND CASE
                        WHEN pg_catalog.age(x.xmin) = $1 THEN true
                        WHEN $2 + $1 - pg_catalog.age(x.xmin) >= pg_catalog.pg_snapshot_xmax(
                            pg_catalog.pg_current_snapshot())::text::bigint THEN true
                        ELSE pg_catalog.pg_xact_status(
                            ($2 + $1 - pg_catalog.age(x.xmin))::text::xid8) = 'in progress'
                    END
                    ORDER BY command DESC
                    LIMIT $3
                ) AS o
                LEFT JOIN LATERAL pg_catalog.aclexplode(o.acl) AS i ON i.grantee <> o.owner
            $query$, judged.is_it, judged.part, judged.name, judged.owner, judged.acl)
            INTO ids, parts, owners, grantees, privileges, options, latest
            USING mine_age, mine, most, since;
            CONTINUE WHEN ids IS NULL;
            newest := greatest(newest, latest);
            WITH item AS MATERIALIZED (
                SELECT w.objid, w.objsubid, w.owner, w.grantee, w.privilege, w.is_grantable
                FROM ROWS FROM (
                    pg_catalog.unnest(ids),
                    pg_catalog.unnest(parts),
                    pg_catalog.unnest(owners),
                    pg_catalog.unnest(grantees),
                    pg_catalog.unnest(privileges),
                    pg_catalog.unnest(options)
                ) AS w (objid, objsubid, owner, grantee, privilege, is_grantable)
            ), known AS MATERIALIZED (
                SELECT DISTINCT w.objid, w.objsubid, w.owner, d.owner AS former, CASE
                    WHEN w.objsubid = 0 THEN d.edges
                    ELSE (
                        SELECT p.edges FROM postgregent.declared AS p
                        WHERE p.classid = d.classid AND p.objid = d.objid
                          AND p.objsubid = w.objsubid
                    )
                END AS edges
                FROM item AS w
                JOIN postgregent.declared AS d
                    ON d.classid = judged.named_in AND d.objid = w.objid AND d.objsubid = 0
                   AND w.objsubid <= d.columns
            ), now AS (
                SELECT k.objid, k.objsubid, w.grantee, w.privilege,
                    pg_catalog.bool_or(w.is_grantable) AS is_grantable
                FROM known AS k
                JOIN item AS w ON w.objid = k.objid AND w.objsubid = k.objsubid
                WHERE EXISTS (
                    SELECT FROM postgregent.declared_role AS r WHERE r.role = w.grantee
                )
                GROUP BY k.objid, k.objsubid, w.grantee, w.privilege
            ), was AS (
                SELECT k.objid, k.objsubid, e.grantee, e.privilege, e.is_grantable,
                    e.declared_by, k.owner <> k.former AS is_moved
                FROM known AS k
                JOIN postgregent.declared_edge AS e ON e.edges = k.edges
                WHERE e.grantee <> k.owner
            ), differing AS (
                SELECT objid, objsubid, grantee, privilege, w.declared_by,
                    n.privilege IS NOT NULL AND (w.privilege IS NULL
                        OR n.is_grantable AND NOT w.is_grantable) AS is_gain,
                    n.privilege IS NOT NULL AND w.privilege IS NOT NULL AS is_option
                FROM now AS n
                FULL JOIN was AS w USING (objid, objsubid, grantee, privilege)
                WHERE w.privilege IS NULL
                   OR n.privilege IS NULL AND NOT w.is_moved
                   OR n.is_grantable AND NOT w.is_grantable
                   OR w.is_grantable AND NOT n.is_grantable AND NOT w.is_moved
            )
            SELECT
                pg_catalog.format(
                    CASE WHEN d.is_gain
                        THEN '%s%s on %s may not be granted to %s: no Permission gives it to'
                            ' %s'
                        ELSE '%s%s on %s may not be taken from %s: %6$s gives it to %5$s'
                    END,
                    CASE WHEN d.is_option THEN 'the grant option of ' ELSE '' END,
                    d.privilege,
                    pg_catalog.pg_describe_object(judged.described_in, d.objid, d.objsubid),
                    pg_catalog.quote_ident(a.rolname),
                    r.declared_by,
                    d.declared_by
                ),
                pg_catalog.format(
                    'Commit the change to Git instead. In an emergency, pause the role: SELECT'
                    ' postgregent.pause(%L, ''1 hour'', ''why''); in the database %I, as a'
                    ' member of postgregent_owner.', a.rolname, home_of
                )
            INTO refusal, hint
            FROM differing AS d
            JOIN postgregent.declared_role AS r ON r.role = d.grantee
            JOIN pg_catalog.pg_roles AS a ON a.oid = d.grantee
            ORDER BY d.objid, d.objsubid, a.rolname, d.privilege
            LIMIT 1;
            EXIT WHEN refusal IS NOT NULL;
        END LOOP;
        IF refusal IS NULL THEN
            IF newest > since THEN
                PERFORM pg_catalog.setval('postgregent.judged_until', mark + newest);
            END IF;
            RETURN;
        END IF;

        -- Anybody may take an advisory lock of any number: only an admin's counts.
        SELECT pg_catalog.count(*) > 0 INTO is_held
        FROM pg_catalog.pg_locks AS l
        JOIN pg_catalog.pg_database AS d ON d.oid = l.database
        JOIN pg_catalog.pg_stat_activity AS s ON s.pid = l.pid
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
          AND d.datname = home_of
          AND l.classid::bigint = ((key_of >> 32) & 4294967295)
          AND l.objid::bigint = (key_of & 4294967295)
          AND (s.usename = current_user OR coalesce(pg_catalog.pg_has_role(
              s.usesysid, pg_catalog.to_regrole('postgregent_owner'), 'MEMBER'
          ), false));
    EXCEPTION
        WHEN statement_too_complex THEN
            RAISE;
        WHEN OTHERS THEN
            refusal := NULL;
            RAISE WARNING 'postgregent could not judge this command, which goes on: %', sqlerrm
                USING HINT = 'The Regent corrects afterwards what nobody declared.';
            BEGIN
                PERFORM pg_catalog.nextval('postgregent.not_judged');
            EXCEPTION
                WHEN statement_too_complex THEN RAISE;
                WHEN OTHERS THEN NULL;
            END;
    END;
    IF refusal IS NOT NULL AND is_held THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = 'PostgRegent refuses this: ' || refusal,
            HINT = hint;
    END IF;
END
$body$;
ALTER FUNCTION postgregent.refuse_change() OWNER TO CURRENT_USER;
REVOKE ALL ON FUNCTION postgregent.refuse_change() FROM PUBLIC;
