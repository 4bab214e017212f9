-- One row: a role, how much of this database it owns, the first of it, and whether we have its rights.
-- Without what initdb made (but for the schema public), members of extensions, and what is temporary.
-- Types of tables and arrays go with what they are of; PostgRegent's own schema is no application's.
WITH space AS (
    SELECT n.oid, n.nspowner FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname NOT IN ('information_schema', 'postgregent') AND n.nspname !~ '^pg_'
),
thing AS (
    SELECT 'pg_catalog.pg_database'::pg_catalog.regclass::pg_catalog.oid AS classid, d.oid,
           d.datdba AS owner
    FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
    UNION ALL
    SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass, s.oid, s.nspowner FROM space AS s
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, c.relowner
    FROM pg_catalog.pg_class AS c JOIN space AS s ON s.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, p.proowner
    FROM pg_catalog.pg_proc AS p JOIN space AS s ON s.oid = p.pronamespace
    UNION ALL
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, t.typowner
    FROM pg_catalog.pg_type AS t JOIN space AS s ON s.oid = t.typnamespace
    WHERE t.typtype IN ('d', 'e', 'r')
    UNION ALL
    SELECT 'pg_catalog.pg_largeobject'::pg_catalog.regclass, l.oid, l.lomowner
    FROM pg_catalog.pg_largeobject_metadata AS l
    UNION ALL
    SELECT 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass, f.oid, f.fdwowner
    FROM pg_catalog.pg_foreign_data_wrapper AS f
    UNION ALL
    SELECT 'pg_catalog.pg_foreign_server'::pg_catalog.regclass, f.oid, f.srvowner
    FROM pg_catalog.pg_foreign_server AS f
),
-- What belongs to pg_database_owner belongs to the owner of the database.
meant AS (
    SELECT t.classid, t.oid, coalesce(d.datdba, t.owner) AS owner,
           d.oid IS NOT NULL
               OR t.classid = 'pg_catalog.pg_database'::pg_catalog.regclass AS is_databases
    FROM thing AS t
    LEFT JOIN pg_catalog.pg_database AS d
        ON t.owner = 'pg_database_owner'::pg_catalog.regrole
       AND d.datname = pg_catalog.current_database()
    WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend AS e
        WHERE e.classid = t.classid AND e.objid = t.oid AND e.deptype = 'e'
    )
),
counted AS (
    SELECT t.owner, pg_catalog.count(*) AS count,
           (pg_catalog.array_agg(t.classid ORDER BY t.classid, t.oid))[1] AS classid,
           (pg_catalog.array_agg(t.oid ORDER BY t.classid, t.oid))[1] AS objid,
           pg_catalog.bool_and(t.is_databases) AS is_database
    FROM meant AS t
    GROUP BY t.owner
)
SELECT r.rolname::text AS owner, c.count, c.is_database,
       pg_catalog.pg_describe_object(c.classid, c.objid, 0) AS first,
       pg_catalog.pg_has_role(CURRENT_USER, r.oid, 'USAGE') AS is_ours
FROM counted AS c
JOIN pg_catalog.pg_roles AS r ON r.oid = c.owner
ORDER BY r.rolname
