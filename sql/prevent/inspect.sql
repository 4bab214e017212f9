-- One row: the judge as it is installed in this database, or NULL where a part is missing, and what
-- it was told last. "strangers" hold more on a part of it than the owner's dump needs.
WITH home AS (
    SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'postgregent'
), function AS (
    SELECT p.oid, p.proowner, p.prosrc, p.proacl, p.prosecdef AND l.lanname = 'plpgsql'
        AND p.prorettype = 'pg_catalog.event_trigger'::pg_catalog.regtype
        AND p.proconfig = ARRAY[
            'search_path=pg_catalog, pg_temp', 'lock_timeout=100ms', 'jit=off',
            'plan_cache_mode=force_generic_plan'
        ] AS is_sound
    FROM pg_catalog.pg_proc AS p
    JOIN home AS h ON h.oid = p.pronamespace
    JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
    WHERE p.proname = 'refuse_change' AND p.pronargs = 0
), relation AS (
    SELECT c.oid, c.relname, c.relkind, c.relowner, c.relacl,
        c.relhasrules OR c.relrowsecurity OR c.relhassubclass OR c.relhastriggers AS is_altered
    FROM pg_catalog.pg_class AS c
    JOIN home AS h ON h.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'S')
      AND c.relname IN ('guard', 'declared_role', 'declared', 'declared_edge', 'judged_until', 'not_judged')
), part AS (
    SELECT f.proowner AS owner, coalesce(f.proacl, pg_catalog.acldefault('f', f.proowner)) AS acl
    FROM function AS f
    UNION ALL
    SELECT r.relowner, r.relacl FROM relation AS r
)
SELECT
    (SELECT f.prosrc FROM function AS f WHERE f.is_sound) AS function_body,
    (
        SELECT pg_catalog.array_agg(
            r.relname || CASE WHEN r.is_altered THEN ' altered' ELSE '' END || coalesce((
                SELECT pg_catalog.string_agg(
                    ' ' || a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod), ','
                    ORDER BY a.attnum
                )
                FROM pg_catalog.pg_attribute AS a
                WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
                  AND r.relkind = 'r'
            ), '')
            ORDER BY r.relname
        ) FROM relation AS r
    ) AS relations,
    (
        SELECT t.evtevent || ' ' || t.evtenabled::pg_catalog.text || ' '
            || pg_catalog.array_to_string(t.evttags, ',')
        FROM pg_catalog.pg_event_trigger AS t
        JOIN function AS f ON f.oid = t.evtfoid
        WHERE t.evtname = 'postgregent_prevent'
    ) AS trigger,
    EXISTS (
        SELECT FROM pg_catalog.pg_event_trigger AS t WHERE t.evtname = 'postgregent_prevent'
    ) OR EXISTS (SELECT FROM function) OR EXISTS (SELECT FROM relation) AS is_there,
    EXISTS (
        SELECT FROM part AS p
        WHERE p.owner <> (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = CURRENT_USER)
    ) OR EXISTS (
        SELECT FROM part AS p, pg_catalog.aclexplode(p.acl) AS i
        WHERE i.grantee <> p.owner AND NOT (
            i.privilege_type = 'SELECT' AND NOT i.is_grantable AND i.grantee = (
                SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'pg_database_owner'
            )
        )
    ) AS is_shared,
    coalesce(pg_catalog.pg_sequence_last_value(
        pg_catalog.to_regclass('postgregent.not_judged')
    ), 0) AS not_judged;
