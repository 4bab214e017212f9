-- One row: why the object ($1 its catalog, $2 its oid) may run code with its owner's rights. No row:
-- it is plain data. What is not known to be harmless counts as code (docs/adr/0016). $3 are the
-- roles that may own partitions of it: a partition's triggers run as the owner of its parent when a
-- foreign key cascades. $4 is the role that would own it, and $5 are roles of which a pass takes what
-- nobody declares.
--
-- Everything of the server's own has an oid below 16384, and pg_depend has no row for it. A stable
-- or volatile function of the server may run others (table_to_xml reads a view), so outside of what
-- must be immutable anyway (indexes, generated columns, statistics, partition keys) only those that
-- are listed here are harmless. Operators and casts are in pg_depend where they are not the server's,
-- but for the casts of a foreign key. Its queries run as the owner of the table that they look at, or
-- write to, and cast from one column's type to the other's (ri_triggers.c): by whatever cast there is
-- at that time, which the owner of either type may make and make anew. And whoever holds REFERENCES
-- adds such a key later, as TRIGGER adds a trigger.
WITH this AS (
    SELECT $1::pg_catalog.oid AS classid, $2::pg_catalog.oid AS objid
),
target AS MATERIALIZED (
    SELECT c.oid
    FROM this AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.objid
    WHERE t.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.relkind IN ('r', 'p')
),
-- With its partitions, through which a foreign key cascades.
tbl AS MATERIALIZED (
    SELECT c.oid, c.relname, c.relkind, c.relowner, c.relrowsecurity
    FROM target AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = t.oid OR c.oid IN (
        SELECT f.relid FROM pg_catalog.pg_partition_tree(t.oid) AS f
    )
),
-- Whose partition it is: their keys are evaluated too.
ancestor AS MATERIALIZED (
    SELECT f.relid AS oid
    FROM target AS t CROSS JOIN LATERAL pg_catalog.pg_partition_ancestors(t.oid) AS f (relid)
),
-- The table, and all that is evaluated when somebody writes to it or maintains it.
part AS MATERIALIZED (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AS classid, t.oid AS objid,
        'a column or the partition key'::text AS what
    FROM (SELECT oid FROM tbl UNION SELECT oid FROM ancestor) AS t
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, 'an index'
    FROM pg_catalog.pg_index AS i JOIN tbl AS t ON t.oid = i.indrelid
    UNION ALL
    SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, c.oid, 'a constraint'
    FROM pg_catalog.pg_constraint AS c JOIN tbl AS t ON t.oid IN (c.conrelid, c.confrelid)
    UNION ALL
    SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, d.oid, 'a default or generated column'
    FROM pg_catalog.pg_attrdef AS d JOIN tbl AS t ON t.oid = d.adrelid
    UNION ALL
    SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, s.oid, 'a statistics object'
    FROM pg_catalog.pg_statistic_ext AS s JOIN tbl AS t ON t.oid = s.stxrelid
),
harmless_type AS (
    SELECT y.oid FROM pg_catalog.pg_type AS y
    WHERE y.typtype = 'e'
       OR y.typelem IN (SELECT e.oid FROM pg_catalog.pg_type AS e WHERE e.typtype = 'e')
),
-- What an expression calls by name, read from its stored form.
called AS (
    SELECT e.what, m.found[1]::pg_catalog.oid AS oid
    FROM (
        SELECT 'a default'::text AS what, d.adbin::text AS tree
        FROM pg_catalog.pg_attrdef AS d JOIN tbl AS t ON t.oid = d.adrelid
        UNION ALL
        SELECT 'a CHECK constraint', c.conbin::text
        FROM pg_catalog.pg_constraint AS c JOIN tbl AS t ON t.oid = c.conrelid
        WHERE c.conbin IS NOT NULL
    ) AS e
    CROSS JOIN LATERAL pg_catalog.regexp_matches(e.tree, ':funcid ([0-9]+)', 'g') AS m (found)
)
SELECT 'it is not plain data' AS why
FROM this AS t
WHERE NOT EXISTS (SELECT FROM target)
  AND NOT (t.classid = ANY (ARRAY[
        'pg_catalog.pg_namespace', 'pg_catalog.pg_database', 'pg_catalog.pg_tablespace',
        'pg_catalog.pg_largeobject', 'pg_catalog.pg_largeobject_metadata',
        'pg_catalog.pg_collation'
    ]::pg_catalog.regclass[]::pg_catalog.oid[]))
  AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_class AS c
        WHERE t.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
          AND c.oid = t.objid AND c.relkind = 'S'
    )
  AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_type AS y
        WHERE t.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
          AND y.oid = t.objid AND y.typtype IN ('e', 'c')
    )
  AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_statistic_ext AS s
        WHERE t.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass
          AND s.oid = t.objid AND s.stxexprs IS NULL
    )
UNION ALL
SELECT 'its partition ' || t.relname || ' is a foreign table, or another role owns it'
FROM tbl AS t
WHERE t.relkind NOT IN ('r', 'p')
   OR (t.oid NOT IN (SELECT g.oid FROM target AS g)
       AND pg_catalog.pg_get_userbyid(t.relowner) <> ALL ($3::text[]))
UNION ALL
SELECT 'it has row security' FROM tbl AS t WHERE t.relrowsecurity
UNION ALL
SELECT 'it has the policy ' || p.polname
FROM pg_catalog.pg_policy AS p JOIN tbl AS t ON t.oid = p.polrelid
UNION ALL
SELECT 'it has the rule ' || r.rulename
FROM pg_catalog.pg_rewrite AS r JOIN tbl AS t ON t.oid = r.ev_class
UNION ALL
SELECT 'it has the trigger ' || g.tgname
FROM pg_catalog.pg_trigger AS g JOIN tbl AS t ON t.oid = g.tgrelid
WHERE NOT g.tgisinternal
UNION ALL
SELECT 'its foreign key ' || c.conname || ' casts ' || pg_catalog.format_type(f.atttypid, NULL)
    || ' to ' || pg_catalog.format_type(p.atttypid, NULL) || ' or back'
FROM pg_catalog.pg_constraint AS c
JOIN tbl AS t ON t.oid IN (c.conrelid, c.confrelid)
CROSS JOIN LATERAL ROWS FROM (
    pg_catalog.unnest(c.conkey), pg_catalog.unnest(c.confkey)
) AS k (referencing, referenced)
JOIN pg_catalog.pg_attribute AS f ON f.attrelid = c.conrelid AND f.attnum = k.referencing
JOIN pg_catalog.pg_attribute AS p ON p.attrelid = c.confrelid AND p.attnum = k.referenced
WHERE c.contype = 'f' AND f.atttypid <> p.atttypid
  AND (f.atttypid >= 16384 OR p.atttypid >= 16384 OR EXISTS (
        SELECT FROM pg_catalog.pg_cast AS x
        WHERE x.oid >= 16384 AND x.castsource < 16384 AND x.casttarget < 16384
    ))
UNION ALL
SELECT coalesce(pg_catalog.pg_get_userbyid(nullif(a.grantee, 0)), 'PUBLIC') || ' holds '
    || a.privilege_type || ' on it'
FROM tbl AS t
CROSS JOIN LATERAL (
    SELECT c.relacl FROM pg_catalog.pg_class AS c WHERE c.oid = t.oid
    UNION ALL
    SELECT b.attacl FROM pg_catalog.pg_attribute AS b WHERE b.attrelid = t.oid
) AS x (acl)
CROSS JOIN LATERAL pg_catalog.aclexplode(x.acl) AS a
WHERE a.privilege_type IN ('REFERENCES', 'TRIGGER') AND a.grantee <> t.relowner
  AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_roles AS r
        WHERE r.rolname = $4 AND a.grantee <> 0
          AND pg_catalog.pg_has_role(a.grantee, r.oid, 'MEMBER')
    )
  AND pg_catalog.pg_get_userbyid(a.grantee) <> ALL ($5::text[])
UNION ALL
SELECT p.what || ' uses ' || pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0)
FROM part AS p
JOIN pg_catalog.pg_depend AS d ON d.classid = p.classid AND d.objid = p.objid
WHERE d.refobjid >= 16384
  AND d.refclassid = ANY (ARRAY[
        'pg_catalog.pg_proc', 'pg_catalog.pg_operator', 'pg_catalog.pg_opclass',
        'pg_catalog.pg_opfamily', 'pg_catalog.pg_type', 'pg_catalog.pg_cast',
        'pg_catalog.pg_am', 'pg_catalog.pg_language', 'pg_catalog.pg_ts_config',
        'pg_catalog.pg_ts_dict', 'pg_catalog.pg_conversion'
    ]::pg_catalog.regclass[]::pg_catalog.oid[])
  AND NOT (d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
           AND d.refobjid IN (SELECT h.oid FROM harmless_type AS h))
UNION ALL
SELECT c.what || ' calls ' || c.oid::pg_catalog.regprocedure::text
FROM called AS c LEFT JOIN pg_catalog.pg_proc AS p ON p.oid = c.oid
WHERE p.oid IS NULL
   OR p.pronamespace <> 'pg_catalog'::pg_catalog.regnamespace
   OR (p.provolatile <> 'i' AND p.proname NOT IN (
        'nextval', 'now', 'transaction_timestamp', 'statement_timestamp', 'clock_timestamp',
        'timeofday', 'random', 'gen_random_uuid', 'uuidv4', 'uuidv7', 'date_trunc', 'timezone',
        'to_char', 'current_database'
    ))
