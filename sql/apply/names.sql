-- One row: the name by which statements find an object of $1 (catalogs), $2 (oids), in parallel, and
-- the versions of its row and of its schema's row, which another name or schema would change.
-- is_ours and schema_is_ours: this transaction wrote that version. What is named by its number or is a name itself
-- (large objects, parameters) has no row.
WITH asked AS (
    SELECT x.catalog, x.oid
    FROM ROWS FROM (
        pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.oid[])
    ) AS x (catalog, oid)
),
named AS (
    SELECT a.catalog, a.oid, r.relnamespace AS schema, r.relname AS name, NULL::text AS arguments,
        r.xmin
    FROM asked AS a JOIN pg_catalog.pg_class AS r ON r.oid = a.oid
    WHERE a.catalog = 'pg_class'
    UNION ALL
    SELECT a.catalog, a.oid, r.pronamespace, r.proname,
        pg_catalog.oidvectortypes(r.proargtypes), r.xmin
    FROM asked AS a JOIN pg_catalog.pg_proc AS r ON r.oid = a.oid
    WHERE a.catalog = 'pg_proc'
    UNION ALL
    SELECT a.catalog, a.oid, r.typnamespace, r.typname, NULL, r.xmin
    FROM asked AS a JOIN pg_catalog.pg_type AS r ON r.oid = a.oid
    WHERE a.catalog = 'pg_type'
    UNION ALL
    SELECT a.catalog, a.oid, NULL, r.nspname, NULL, r.xmin
    FROM asked AS a JOIN pg_catalog.pg_namespace AS r ON r.oid = a.oid
    WHERE a.catalog = 'pg_namespace'
    UNION ALL
    SELECT a.catalog, a.oid, NULL, r.lanname, NULL, r.xmin
    FROM asked AS a JOIN pg_catalog.pg_language AS r ON r.oid = a.oid
    WHERE a.catalog = 'pg_language'
    UNION ALL
    SELECT a.catalog, a.oid, NULL, r.fdwname, NULL, r.xmin
    FROM asked AS a JOIN pg_catalog.pg_foreign_data_wrapper AS r ON r.oid = a.oid
    WHERE a.catalog = 'pg_foreign_data_wrapper'
    UNION ALL
    SELECT a.catalog, a.oid, NULL, r.srvname, NULL, r.xmin
    FROM asked AS a JOIN pg_catalog.pg_foreign_server AS r ON r.oid = a.oid
    WHERE a.catalog = 'pg_foreign_server'
    UNION ALL
    SELECT a.catalog, a.oid, NULL, r.datname, NULL, r.xmin
    FROM asked AS a JOIN pg_catalog.pg_database AS r ON r.oid = a.oid
    WHERE a.catalog = 'pg_database'
    UNION ALL
    SELECT a.catalog, a.oid, NULL, r.spcname, NULL, r.xmin
    FROM asked AS a JOIN pg_catalog.pg_tablespace AS r ON r.oid = a.oid
    WHERE a.catalog = 'pg_tablespace'
)
SELECT n.catalog, n.oid, s.nspname::text AS schema, n.name::text AS name, n.arguments,
    n.xmin::text AS version, s.xmin::text AS schema_version,
    coalesce(n.xmin::text = t.xid, false) AS is_ours,
    coalesce(s.xmin::text = t.xid, false) AS schema_is_ours
FROM named AS n
LEFT JOIN pg_catalog.pg_namespace AS s ON s.oid = n.schema
CROSS JOIN (
    SELECT (
        pg_catalog.pg_current_xact_id_if_assigned()::text::pg_catalog.int8 % 4294967296
    )::text AS xid
) AS t
