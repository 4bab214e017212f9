-- One row: privileges that role $1 gave another role on one object of this database, or on one
-- that all share, and that end with it. `on_what` is what GRANT wants after ON, quoted by the
-- server; of a routine it is the word alone, and schema, name and types are in columns of their own
-- (regent/apply/naming.py). `catalog` and `oid` are the object's. `column_name` is the column they
-- are on. `is_orphan`: the role has no option for it in that ACL, so that it does not fall with any.
-- Schemas first: once a GRANT of ours has written a schema's row, nobody renames it until we commit.
WITH leaver AS (
    SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = $1
),
acls AS (
    SELECT CASE WHEN c.relkind = 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END
            || c.oid::pg_catalog.regclass::text AS on_what,
        NULL::name AS column_name, c.relacl AS acl, c.relowner AS owner,
        NULL::pg_catalog.oid AS routine, 'pg_class' AS catalog, c.oid AS oid
    FROM pg_catalog.pg_class AS c WHERE c.relacl IS NOT NULL
    UNION ALL
    SELECT 'TABLE ' || a.attrelid::pg_catalog.regclass::text, a.attname, a.attacl, c.relowner,
        NULL, 'pg_class', c.oid
    FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
    UNION ALL
    SELECT 'SCHEMA ' || n.oid::pg_catalog.regnamespace::text, NULL, n.nspacl, n.nspowner, NULL,
        'pg_namespace', n.oid
    FROM pg_catalog.pg_namespace AS n WHERE n.nspacl IS NOT NULL
    UNION ALL
    SELECT 'ROUTINE', NULL, p.proacl, p.proowner, p.oid, 'pg_proc', p.oid
    FROM pg_catalog.pg_proc AS p WHERE p.proacl IS NOT NULL
    UNION ALL
    SELECT 'TYPE ' || t.oid::pg_catalog.regtype::text, NULL, t.typacl, t.typowner, NULL,
        'pg_type', t.oid
    FROM pg_catalog.pg_type AS t WHERE t.typacl IS NOT NULL
    UNION ALL
    SELECT 'LANGUAGE ' || pg_catalog.quote_ident(l.lanname), NULL, l.lanacl, l.lanowner, NULL,
        'pg_language', l.oid
    FROM pg_catalog.pg_language AS l WHERE l.lanacl IS NOT NULL
    UNION ALL
    SELECT 'FOREIGN SERVER ' || pg_catalog.quote_ident(f.srvname), NULL, f.srvacl, f.srvowner, NULL,
        'pg_foreign_server', f.oid
    FROM pg_catalog.pg_foreign_server AS f WHERE f.srvacl IS NOT NULL
    UNION ALL
    SELECT 'FOREIGN DATA WRAPPER ' || pg_catalog.quote_ident(w.fdwname), NULL, w.fdwacl, w.fdwowner, NULL,
        'pg_foreign_data_wrapper', w.oid
    FROM pg_catalog.pg_foreign_data_wrapper AS w WHERE w.fdwacl IS NOT NULL
    UNION ALL
    SELECT 'LARGE OBJECT ' || o.oid::text, NULL, o.lomacl, o.lomowner, NULL,
        'pg_largeobject', o.oid
    FROM pg_catalog.pg_largeobject_metadata AS o WHERE o.lomacl IS NOT NULL
    UNION ALL
    SELECT 'DATABASE ' || pg_catalog.quote_ident(d.datname), NULL, d.datacl, d.datdba, NULL,
        'pg_database', d.oid
    FROM pg_catalog.pg_database AS d WHERE d.datacl IS NOT NULL
    UNION ALL
    SELECT 'TABLESPACE ' || pg_catalog.quote_ident(s.spcname), NULL, s.spcacl, s.spcowner, NULL,
        'pg_tablespace', s.oid
    FROM pg_catalog.pg_tablespace AS s WHERE s.spcacl IS NOT NULL
    :parameters:
)
SELECT a.on_what, a.column_name::text AS column_name, x.privilege_type AS privilege,
    x.is_grantable, g.rolname::text AS grantee, o.rolname::text AS owner,
    n.nspname::text AS routine_schema, p.proname::text AS routine_name,
    pg_catalog.oidvectortypes(p.proargtypes) AS routine_types,
    NOT EXISTS (
        SELECT FROM pg_catalog.aclexplode(a.acl) AS h
        WHERE h.grantee = l.oid AND h.is_grantable AND h.privilege_type = x.privilege_type
    ) AS is_orphan,
    a.catalog::text AS catalog, a.oid
FROM acls AS a
CROSS JOIN LATERAL pg_catalog.aclexplode(a.acl) AS x
JOIN leaver AS l ON l.oid = x.grantor
LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = x.grantee
LEFT JOIN pg_catalog.pg_roles AS o ON o.oid = a.owner
LEFT JOIN pg_catalog.pg_proc AS p ON p.oid = a.routine
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
WHERE x.grantee <> l.oid AND a.owner <> l.oid AND (x.grantee = 0 OR g.oid IS NOT NULL)
ORDER BY a.catalog <> 'pg_namespace', a.on_what, a.routine, a.column_name, g.rolname NULLS FIRST, x.privilege_type
