-- One row: something in this database that template0 has not, or something about the database that
-- PostgRegent does not make so. `mend` is the SQL that a superuser runs, where it is more than
-- dropping the thing. $1 is the owner role, $2 the settings that every session of ours pins.
-- Reads system catalogs alone: nothing that somebody else made is run or looked through.
-- What initdb makes has an oid below 16384. Temporary and TOAST relations are passed over.
WITH owner AS (
    SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = $1
),
here AS (
    SELECT d.* FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
),
passed_over AS (
    SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname ^@ 'pg_toast' OR n.nspname ^@ 'pg_temp'
),
relation AS (
    SELECT c.*, i.type AS kind, i.identity
    FROM pg_catalog.pg_class AS c
    CROSS JOIN LATERAL
        pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 0) AS i
    WHERE c.oid >= 16384 AND c.relnamespace NOT IN (SELECT p.oid FROM passed_over AS p)
),
-- What needs no more to be said of than that it is there.
thing AS (
    SELECT 'pg_catalog.pg_am'::pg_catalog.regclass AS classid, t.oid FROM pg_catalog.pg_am AS t
    UNION ALL
    SELECT 'pg_catalog.pg_cast'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_cast AS t
    UNION ALL
    SELECT 'pg_catalog.pg_collation'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_collation AS t
    UNION ALL
    SELECT 'pg_catalog.pg_conversion'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_conversion AS t
    UNION ALL
    SELECT 'pg_catalog.pg_default_acl'::pg_catalog.regclass, t.oid
    FROM pg_catalog.pg_default_acl AS t
    UNION ALL
    SELECT 'pg_catalog.pg_event_trigger'::pg_catalog.regclass, t.oid
    FROM pg_catalog.pg_event_trigger AS t
    UNION ALL
    SELECT 'pg_catalog.pg_extension'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_extension AS t
    UNION ALL
    SELECT 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass, t.oid
    FROM pg_catalog.pg_foreign_data_wrapper AS t
    UNION ALL
    SELECT 'pg_catalog.pg_foreign_server'::pg_catalog.regclass, t.oid
    FROM pg_catalog.pg_foreign_server AS t
    UNION ALL
    SELECT 'pg_catalog.pg_language'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_language AS t
    UNION ALL
    SELECT 'pg_catalog.pg_opclass'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_opclass AS t
    UNION ALL
    SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_operator AS t
    UNION ALL
    SELECT 'pg_catalog.pg_opfamily'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_opfamily AS t
    UNION ALL
    SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_policy AS t
    UNION ALL
    SELECT 'pg_catalog.pg_publication'::pg_catalog.regclass, t.oid
    FROM pg_catalog.pg_publication AS t
    UNION ALL
    SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, t.oid
    FROM pg_catalog.pg_rewrite AS t
    WHERE t.ev_class IN (SELECT r.oid FROM relation AS r)
    UNION ALL
    SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, t.oid
    FROM pg_catalog.pg_statistic_ext AS t
    UNION ALL
    SELECT 'pg_catalog.pg_transform'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_transform AS t
    UNION ALL
    SELECT 'pg_catalog.pg_trigger'::pg_catalog.regclass, t.oid
    FROM pg_catalog.pg_trigger AS t
    WHERE t.tgrelid IN (SELECT r.oid FROM relation AS r)
    UNION ALL
    SELECT 'pg_catalog.pg_ts_config'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_ts_config AS t
    UNION ALL
    SELECT 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_ts_dict AS t
    UNION ALL
    SELECT 'pg_catalog.pg_ts_parser'::pg_catalog.regclass, t.oid FROM pg_catalog.pg_ts_parser AS t
    UNION ALL
    SELECT 'pg_catalog.pg_ts_template'::pg_catalog.regclass, t.oid
    FROM pg_catalog.pg_ts_template AS t
    UNION ALL
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid
    FROM pg_catalog.pg_type AS t
    LEFT JOIN pg_catalog.pg_type AS e ON e.oid = t.typelem
    LEFT JOIN pg_catalog.pg_class AS c ON c.oid IN (t.typrelid, e.typrelid)
    WHERE t.typnamespace NOT IN (SELECT p.oid FROM passed_over AS p)
      AND coalesce(c.relkind, 'c') = 'c'
)
SELECT i.type || ' ' || i.identity AS what, '' AS mend
FROM thing AS t
CROSS JOIN LATERAL pg_catalog.pg_identify_object(t.classid, t.oid, 0) AS i
WHERE t.oid >= 16384
UNION ALL
-- Of a function in our schema all that says what it does, to whom, and with whose rights.
SELECT
    i.type || ' ' || i.identity
    || CASE WHEN n.nspname <> 'postgregent' THEN '' ELSE
        CASE WHEN f.proowner IS DISTINCT FROM (SELECT o.oid FROM owner AS o)
            THEN ' of ' || pg_catalog.pg_get_userbyid(f.proowner) ELSE '' END
        || ' in ' || l.lanname
        || CASE WHEN f.prosecdef THEN ' as its owner' ELSE '' END
        || CASE WHEN f.proargdefaults IS NULL THEN '' ELSE ' with defaults' END
        || CASE WHEN f.prosqlbody IS NULL THEN '' ELSE ' with a parsed body' END
        || coalesce(' with ' || pg_catalog.array_to_string(f.proconfig, ' and '), '')
        || ' as ' || pg_catalog.encode(
            pg_catalog.sha256(pg_catalog.convert_to(f.prosrc, 'UTF8')), 'hex'
        )
        || coalesce((
            SELECT ' open to ' || pg_catalog.string_agg(DISTINCT
                CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(x.grantee) END, ', '
            )
            FROM pg_catalog.aclexplode(
                coalesce(f.proacl, pg_catalog.acldefault('f', f.proowner))
            ) AS x
            WHERE x.grantee <> f.proowner
        ), '')
    END,
    ''
FROM pg_catalog.pg_proc AS f
JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = f.prolang
CROSS JOIN LATERAL
    pg_catalog.pg_identify_object('pg_catalog.pg_proc'::pg_catalog.regclass, f.oid, 0) AS i
WHERE f.oid >= 16384 AND f.pronamespace NOT IN (SELECT p.oid FROM passed_over AS p)
UNION ALL
SELECT
    CASE r.relkind WHEN 'i' THEN pg_catalog.pg_get_indexdef(r.oid) ELSE r.kind || ' ' || r.identity END
    || CASE WHEN r.relowner IS DISTINCT FROM (SELECT o.oid FROM owner AS o)
        THEN ' of ' || pg_catalog.pg_get_userbyid(r.relowner) ELSE '' END
    || CASE WHEN r.relrowsecurity OR r.relforcerowsecurity THEN ' with row security' ELSE '' END
    || CASE r.relpersistence WHEN 'p' THEN '' ELSE ' that is not durable' END
    || CASE WHEN r.relispartition THEN ' as a partition' ELSE '' END
    || coalesce((
        SELECT ' open to ' || pg_catalog.string_agg(DISTINCT
            CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(x.grantee) END, ', '
        ) FROM pg_catalog.aclexplode(r.relacl) AS x WHERE x.grantee <> r.relowner
    ), ''),
    ''
FROM relation AS r
UNION ALL
SELECT
    pg_catalog.format('column %s.%I %s', r.identity, a.attname,
        pg_catalog.format_type(a.atttypid, a.atttypmod))
    || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
    || CASE a.attidentity WHEN '' THEN '' ELSE ' identity' END
    || CASE a.attgenerated WHEN '' THEN '' ELSE ' generated' END
    || CASE WHEN a.attcollation IN (0, t.typcollation) THEN '' ELSE ' with a collation' END
    || coalesce(' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')
    || coalesce((
        SELECT ' open to ' || pg_catalog.string_agg(DISTINCT
            CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(x.grantee) END, ', '
        ) FROM pg_catalog.aclexplode(a.attacl) AS x WHERE x.grantee <> r.relowner
    ), ''),
    ''
FROM relation AS r
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE r.relkind NOT IN ('i', 'I', 'S')
UNION ALL
SELECT
    pg_catalog.format('constraint of %s: %s',
        coalesce(r.identity, pg_catalog.format_type(c.contypid, NULL)),
        pg_catalog.pg_get_constraintdef(c.oid)),
    ''
FROM pg_catalog.pg_constraint AS c
LEFT JOIN relation AS r ON r.oid = c.conrelid
WHERE c.oid >= 16384 AND c.contype <> 'n'
UNION ALL
SELECT pg_catalog.format('inheritance of %s', h.inhrelid::pg_catalog.regclass), ''
FROM pg_catalog.pg_inherits AS h
UNION ALL
SELECT
    'schema ' || pg_catalog.quote_ident(n.nspname)
    || CASE WHEN n.nspowner IS DISTINCT FROM (SELECT o.oid FROM owner AS o)
        THEN ' of ' || pg_catalog.pg_get_userbyid(n.nspowner) ELSE '' END
    || coalesce((
        SELECT ' open to ' || pg_catalog.string_agg(DISTINCT
            CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(x.grantee) END, ', '
        ) FROM pg_catalog.aclexplode(n.nspacl) AS x WHERE x.grantee <> n.nspowner
    ), ''),
    ''
FROM pg_catalog.pg_namespace AS n
WHERE n.oid >= 16384 AND n.oid NOT IN (SELECT p.oid FROM passed_over AS p)
UNION ALL
SELECT 'large object ' || l.oid::pg_catalog.text, ''
FROM pg_catalog.pg_largeobject_metadata AS l
UNION ALL
SELECT 'subscription ' || pg_catalog.quote_ident(s.subname), ''
FROM pg_catalog.pg_subscription AS s JOIN here AS d ON d.oid = s.subdbid
UNION ALL
SELECT
    'the owner ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(d.datdba)), ''
FROM here AS d
WHERE d.datdba IS DISTINCT FROM (SELECT o.oid FROM owner AS o)
UNION ALL
SELECT 'the encoding ' || pg_catalog.pg_encoding_to_char(d.encoding), ''
FROM here AS d
WHERE pg_catalog.pg_encoding_to_char(d.encoding) <> 'UTF8'
UNION ALL
SELECT
    'that it is a template, which others may copy',
    pg_catalog.format('ALTER DATABASE %I IS_TEMPLATE false', d.datname)
FROM here AS d
WHERE d.datistemplate
UNION ALL
SELECT
    'privileges on the database for ' || g.name,
    pg_catalog.format('REVOKE ALL ON DATABASE %I FROM %s', d.datname, g.name)
FROM here AS d
CROSS JOIN LATERAL (
    SELECT DISTINCT
        CASE x.grantee WHEN 0 THEN 'PUBLIC'
        ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END AS name
    FROM pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) AS x
    LEFT JOIN pg_catalog.pg_roles AS u ON u.oid = x.grantee
    WHERE x.grantee <> d.datdba
      AND NOT coalesce(pg_catalog.pg_has_role(u.oid, (SELECT o.oid FROM owner AS o), 'MEMBER'), false)
) AS g
UNION ALL
SELECT
    pg_catalog.format('the setting %s%s', k.name,
        CASE WHEN s.setrole = 0 THEN '' ELSE ' of ' || s.setrole::pg_catalog.regrole::pg_catalog.text END),
    CASE
        WHEN s.setrole = 0 THEN pg_catalog.format('ALTER DATABASE %I RESET %I', d.datname, k.name)
        WHEN s.setdatabase = 0 THEN pg_catalog.format(
            'ALTER ROLE %s RESET %I', s.setrole::pg_catalog.regrole, k.name
        )
        ELSE pg_catalog.format(
            'ALTER ROLE %s IN DATABASE %I RESET %I', s.setrole::pg_catalog.regrole, d.datname, k.name
        )
    END
FROM here AS d
JOIN pg_catalog.pg_db_role_setting AS s
    ON (
        s.setdatabase = d.oid
        AND (s.setrole = 0 OR s.setrole IN (
            SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ($1, SESSION_USER)
        ))
    ) OR (s.setdatabase = 0 AND s.setrole = (SELECT o.oid FROM owner AS o))
CROSS JOIN LATERAL (
    SELECT pg_catalog.split_part(c, '=', 1) AS name FROM pg_catalog.unnest(s.setconfig) AS c
) AS k
WHERE pg_catalog.lower(k.name) <> ALL ($2::text[])
  AND NOT pg_catalog.lower(k.name) ^@ 'log_' AND NOT pg_catalog.lower(k.name) ^@ 'track_'
UNION ALL
SELECT
    pg_catalog.format('a session of %I (pid %s)', pg_catalog.pg_get_userbyid(a.usesysid), a.pid),
    pg_catalog.format('SELECT pg_terminate_backend(%s)', a.pid)
FROM pg_catalog.pg_stat_activity AS a
JOIN here AS d ON d.oid = a.datid
JOIN pg_catalog.pg_roles AS u ON u.oid = a.usesysid
WHERE NOT u.rolsuper
  AND u.rolname <> SESSION_USER
  AND NOT coalesce(pg_catalog.pg_has_role(u.oid, (SELECT o.oid FROM owner AS o), 'MEMBER'), false)
UNION ALL
SELECT
    'a prepared transaction of ' || pg_catalog.quote_ident(p.owner),
    pg_catalog.format('ROLLBACK PREPARED %L', p.gid)
FROM pg_catalog.pg_prepared_xacts AS p JOIN here AS d ON d.datname = p.database
