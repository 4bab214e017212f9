-- At most one row: who owns the object ($1 its catalog, $2 its oid), by name; whoever has taken its
-- name meanwhile is another object. No row: it is gone, or does not stand in schema $3 (NULL: anywhere).
SELECT pg_catalog.pg_get_userbyid(o.owner)::text AS owner
FROM (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass AS classid, r.oid, r.relowner AS owner FROM pg_catalog.pg_class AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, r.oid, r.proowner FROM pg_catalog.pg_proc AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, r.oid, r.typowner FROM pg_catalog.pg_type AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass, r.oid, r.nspowner FROM pg_catalog.pg_namespace AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_database'::pg_catalog.regclass, r.oid, r.datdba FROM pg_catalog.pg_database AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_tablespace'::pg_catalog.regclass, r.oid, r.spcowner FROM pg_catalog.pg_tablespace AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_largeobject'::pg_catalog.regclass, r.oid, r.lomowner FROM pg_catalog.pg_largeobject_metadata AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass, r.oid, r.oprowner FROM pg_catalog.pg_operator AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_opclass'::pg_catalog.regclass, r.oid, r.opcowner FROM pg_catalog.pg_opclass AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_opfamily'::pg_catalog.regclass, r.oid, r.opfowner FROM pg_catalog.pg_opfamily AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_collation'::pg_catalog.regclass, r.oid, r.collowner FROM pg_catalog.pg_collation AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_conversion'::pg_catalog.regclass, r.oid, r.conowner FROM pg_catalog.pg_conversion AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, r.oid, r.stxowner FROM pg_catalog.pg_statistic_ext AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_ts_config'::pg_catalog.regclass, r.oid, r.cfgowner FROM pg_catalog.pg_ts_config AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_ts_dict'::pg_catalog.regclass, r.oid, r.dictowner FROM pg_catalog.pg_ts_dict AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_language'::pg_catalog.regclass, r.oid, r.lanowner FROM pg_catalog.pg_language AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass, r.oid, r.fdwowner FROM pg_catalog.pg_foreign_data_wrapper AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_foreign_server'::pg_catalog.regclass, r.oid, r.srvowner FROM pg_catalog.pg_foreign_server AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_event_trigger'::pg_catalog.regclass, r.oid, r.evtowner FROM pg_catalog.pg_event_trigger AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_publication'::pg_catalog.regclass, r.oid, r.pubowner FROM pg_catalog.pg_publication AS r
    WHERE r.oid = $2
    UNION ALL
    SELECT 'pg_catalog.pg_subscription'::pg_catalog.regclass, r.oid, r.subowner FROM pg_catalog.pg_subscription AS r
    WHERE r.oid = $2
) AS o
WHERE o.classid = $1::pg_catalog.oid
  AND ($3::text IS NULL
       OR (pg_catalog.pg_identify_object(o.classid, o.oid, 0)).schema = pg_catalog.quote_ident($3::text))
