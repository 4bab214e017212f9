-- One row: which relations and schemas a targeted reading must look at.
-- That is what $1 (relations) and $5 (schemas) name and the transactions $2 (xids) wrote, and what a privilege on it may
-- follow from: with a sequence the tables that draw on it (when $3), with a schema everything in
-- it. When $4, the schemas of the relations are among them, without what else is in them.
-- Everything goes through arrays: so the planner expects few rows, and takes indexes. xmin is
-- compared in a plain scan, before any other filter: that is the fastest form.
WITH wrote_relation AS MATERIALIZED (
    SELECT ARRAY(SELECT c.oid FROM pg_catalog.pg_class AS c
                 WHERE pg_catalog.cardinality($2::xid[]) > 0 AND c.xmin = ANY ($2)) AS oids
),
wrote_space AS MATERIALIZED (
    SELECT ARRAY(SELECT n.oid FROM pg_catalog.pg_namespace AS n
                 WHERE n.oid = ANY ($5::oid[]) OR n.xmin = ANY ($2::xid[])) AS oids
),
-- A grant on a column writes its pg_attribute row alone, and that is a large table: it is scanned
-- when the transactions wrote nothing else. The whole reading that follows sees what this misses.
wrote_column AS MATERIALIZED (
    SELECT ARRAY(SELECT DISTINCT a.attrelid FROM pg_catalog.pg_attribute AS a
                 WHERE pg_catalog.cardinality($2::xid[]) > 0
                   AND pg_catalog.cardinality((SELECT w.oids FROM wrote_relation AS w)) = 0
                   AND pg_catalog.cardinality((SELECT w.oids FROM wrote_space AS w)) = 0
                   AND a.xmin = ANY ($2)) AS oids
),
touched AS MATERIALIZED (
    SELECT r.oids || c.oids || $1::oid[] AS oids
    FROM wrote_relation AS r CROSS JOIN wrote_column AS c
),
space AS MATERIALIZED (
    SELECT ARRAY(SELECT pg_catalog.unnest(w.oids) FROM wrote_space AS w
                 UNION
                 SELECT c.relnamespace FROM pg_catalog.pg_class AS c
                 WHERE $4::boolean AND c.oid = ANY ((SELECT t.oids FROM touched AS t)::oid[])
                   AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')) AS oids
),
named AS MATERIALIZED (
    SELECT t.oids || ARRAY(
        SELECT c.oid FROM pg_catalog.pg_class AS c
        WHERE pg_catalog.cardinality((SELECT w.oids FROM wrote_space AS w)) > 0
          AND c.relnamespace = ANY ((SELECT w.oids FROM wrote_space AS w)::oid[])
          AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')) AS oids
    FROM touched AS t
),
-- First the sequences that they draw on, then everyone who draws on those.
with_sequences AS MATERIALIZED (
    SELECT n.oids || ARRAY(
        SELECT d.refobjid FROM pg_catalog.pg_attrdef AS f
        JOIN pg_catalog.pg_depend AS d
          ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = f.oid
         AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'n'
        WHERE $3::boolean AND f.adrelid = ANY (n.oids)) AS oids
    FROM named AS n
)
SELECT w.oids || ARRAY(
           SELECT f.adrelid FROM pg_catalog.pg_depend AS d
           JOIN pg_catalog.pg_attrdef AS f ON f.oid = d.objid
           WHERE $3::boolean AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
             AND d.refobjid = ANY (w.oids) AND d.deptype = 'n'
             AND d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass) AS relations,
       s.oids AS spaces
FROM with_sequences AS w CROSS JOIN space AS s
