-- One row: all that is installed in this database, or NULL where a part is missing.
-- The schema may be somebody else's: a comment can be written by whoever may create a schema. What
-- cannot be had so is its owner ("owner_is_admin"), and an event trigger of ours that calls into it,
-- as only a superuser or its provider's equal makes one ("is_called").
-- "strangers" are grantees other than the owner and pg_database_owner, on any of it.
WITH home AS (
    SELECT n.oid, n.nspowner, n.nspacl,
        pg_catalog.obj_description(n.oid, 'pg_namespace') AS comment
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname = 'postgregent'
), function AS (
    SELECT p.oid, p.proowner, p.prosrc, p.prosecdef, p.proconfig, l.lanname, p.proacl,
        p.prorettype = 'pg_catalog.event_trigger'::pg_catalog.regtype AS is_event_trigger
    FROM pg_catalog.pg_proc AS p
    JOIN home AS h ON h.oid = p.pronamespace
    JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
    WHERE p.proname = 'record_change' AND p.pronargs = 0
), relation AS (
    SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.relowner, c.relacl,
        c.relhasrules OR c.relrowsecurity OR c.relhassubclass
            OR EXISTS (
                SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = c.oid
            )
            OR EXISTS (
                SELECT FROM pg_catalog.pg_constraint AS k
                WHERE k.conrelid = c.oid AND k.contype NOT IN ('p', 'n')
            ) AS is_altered
    FROM pg_catalog.pg_class AS c
    JOIN home AS h ON h.oid = c.relnamespace
    WHERE c.relname IN (
        'event', 'event_id_seq', 'event_taken', 'event_overflow', 'event_pkey', 'event_xid'
    )
), owner AS (
    SELECT nspowner AS oid, nspacl AS acl FROM home
    UNION ALL
    SELECT proowner, coalesce(proacl, pg_catalog.acldefault('f', proowner)) FROM function
    UNION ALL
    SELECT relowner, relacl FROM relation WHERE relkind IN ('r', 'S')
)
SELECT
    pg_catalog.current_setting('server_version_num')::pg_catalog.int4 / 10000 AS major,
    pg_catalog.pg_get_userbyid((SELECT h.nspowner FROM home AS h)) AS schema_owner,
    (SELECT h.comment FROM home AS h) AS comment,
    coalesce((
        SELECT r.rolsuper OR r.rolname IN (SESSION_USER, CURRENT_USER) OR coalesce(pg_catalog.pg_has_role(
            r.oid, pg_catalog.to_regrole('postgregent_owner'), 'MEMBER'
        ), false)
        FROM home AS h JOIN pg_catalog.pg_roles AS r ON r.oid = h.nspowner
    ), false) AS owner_is_admin,
    EXISTS (
        SELECT FROM pg_catalog.pg_event_trigger AS t
        JOIN pg_catalog.pg_proc AS p ON p.oid = t.evtfoid
        JOIN home AS h ON h.oid = p.pronamespace
        WHERE t.evtname IN ('postgregent_change', 'postgregent_drop')
    ) AS is_called,
    (
        SELECT pg_catalog.array_agg(
            r.relname || ' ' || r.relkind::text
            || CASE r.relkind WHEN 'r' THEN r.relpersistence::text ELSE '' END
            || CASE WHEN r.is_altered THEN ' altered' ELSE '' END
            ORDER BY r.relname
        ) FROM relation AS r
    ) AS relations,
    (
        SELECT pg_catalog.array_agg(
            a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
            || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
            || CASE a.attidentity WHEN '' THEN '' ELSE ' identity' END
            ORDER BY a.attnum
        )
        FROM pg_catalog.pg_attribute AS a
        JOIN relation AS r ON r.oid = a.attrelid
        WHERE r.relname = 'event' AND a.attnum > 0 AND NOT a.attisdropped
    ) AS columns,
    (SELECT f.prosrc FROM function AS f) AS function_body,
    (
        SELECT f.is_event_trigger AND f.prosecdef AND f.lanname = 'plpgsql'
            AND f.proconfig = ARRAY['search_path=pg_catalog, pg_temp', 'lock_timeout=100ms']
        FROM function AS f
    ) AS function_is_sound,
    (
        SELECT pg_catalog.array_agg(
            t.evtname || ' ' || t.evtevent || ' ' || t.evtenabled::text
            || CASE WHEN t.evtfoid = (SELECT f.oid FROM function AS f) THEN '' ELSE ' astray' END
            || ' ' || coalesce((
                SELECT pg_catalog.string_agg(tag, ',' ORDER BY tag COLLATE "C")
                FROM pg_catalog.unnest(t.evttags) AS tag
            ), '')
            ORDER BY t.evtname
        )
        FROM pg_catalog.pg_event_trigger AS t
        WHERE t.evtname IN ('postgregent_change', 'postgregent_drop')
    ) AS triggers,
    (
        SELECT coalesce(pg_catalog.array_agg(DISTINCT pg_catalog.pg_get_userbyid(o.oid)::text), '{}')
        FROM owner AS o
        WHERE o.oid <> (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = CURRENT_USER)
    ) AS other_owners,
    (
        SELECT coalesce(pg_catalog.array_agg(DISTINCT
            CASE i.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(i.grantee)::text END
        ), '{}')
        FROM owner AS o, pg_catalog.aclexplode(o.acl) AS i
        WHERE i.grantee <> o.oid
          AND i.grantee <> (
              SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'pg_database_owner'
          )
    ) AS strangers,
    (
        SELECT pg_catalog.count(*) FROM owner AS o, pg_catalog.aclexplode(o.acl) AS i
        WHERE i.privilege_type IN ('USAGE', 'SELECT') AND i.grantee = (
            SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'pg_database_owner'
        )
    ) AS dump_privileges;
