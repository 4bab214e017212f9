-- One row: one of the objects $2 (oids) of the catalog $1 that role $3 still owns and that still stands
-- in schema $4, in order of oid, in the columns of leaving/owned.sql. What the bootstrap superuser owns
-- is not in pg_shdepend, so each is asked itself. `follows`: it is a column's sequence, whose owner is
-- its table's and cannot be altered.
SELECT i.type AS kind, i.identity, h.oid AS dbid, s.classid, s.objid,
    ARRAY(
        SELECT f.objid FROM pg_catalog.pg_depend AS f
        JOIN pg_catalog.pg_class AS q ON q.oid = f.objid AND q.relkind = 'S'
        WHERE f.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND f.deptype IN ('a', 'i')
          AND f.refclassid = s.classid AND f.refobjid = s.objid
    ) AS followers,
    EXISTS (
        SELECT FROM pg_catalog.pg_depend AS d
        WHERE d.classid = s.classid AND d.objid = s.objid AND d.deptype IN ('a', 'i')
          AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
          AND c.relkind = 'S'
    ) AS follows,
    n.nspname::text AS routine_schema, p.proname::text AS routine_name,
    pg_catalog.oidvectortypes(p.proargtypes) AS routine_types
FROM (
    SELECT k.oid AS classid, o.oid AS objid
    FROM pg_catalog.unnest($2::pg_catalog.oid[]) AS o (oid)
    JOIN pg_catalog.pg_class AS k
        ON k.relname = $1::text::name AND k.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
) AS s
JOIN pg_catalog.pg_roles AS r ON r.rolname = $3::text::name
JOIN pg_catalog.pg_database AS h ON h.datname = pg_catalog.current_database()
CROSS JOIN LATERAL pg_catalog.pg_identify_object(s.classid, s.objid, 0) AS i
LEFT JOIN pg_catalog.pg_class AS c
    ON s.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = s.objid
LEFT JOIN pg_catalog.pg_proc AS p
    ON s.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = s.objid
LEFT JOIN pg_catalog.pg_type AS t
    ON s.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = s.objid
JOIN pg_catalog.pg_namespace AS n
    ON n.oid IN (c.relnamespace, p.pronamespace, t.typnamespace) AND n.nspname = $4::text::name
WHERE r.oid IN (c.relowner, p.proowner, t.typowner)
  AND i.type IS NOT NULL
ORDER BY s.objid
