-- What a whole reading looks at; reading.sql continues the statement.
-- looked_at_column: the columns with an ACL of their own, found through the grants that pg_shdepend
-- knows. A scan of pg_attribute takes forty times as long: it is for $7, where PUBLIC is managed, as
-- what PUBLIC alone was given on a column is not found otherwise.
WITH looked_at AS NOT MATERIALIZED (
    SELECT c.oid, c.relname, c.relnamespace, c.relowner, c.relkind, c.relacl
    FROM pg_catalog.pg_class AS c
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
       OR c.relkind = 't' AND c.relacl IS NOT NULL
),
looked_at_space AS NOT MATERIALIZED (
    SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace AS n
),
here AS MATERIALIZED (
    SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
),
looked_at_column AS NOT MATERIALIZED (
    SELECT d.objid AS attrelid, d.objsubid AS attnum FROM pg_catalog.pg_shdepend AS d
    WHERE d.dbid = (SELECT here.oid FROM here) AND d.objsubid > 0
      AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    UNION
    SELECT d.objid, d.objsubid FROM pg_catalog.pg_shdepend AS d
    WHERE d.dbid = (SELECT here.oid FROM here) AND d.objsubid < 0
      AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    UNION
    SELECT a.attrelid, a.attnum FROM pg_catalog.pg_attribute AS a
    WHERE $7::boolean AND a.attacl IS NOT NULL
),
looked_at_default AS NOT MATERIALIZED (
    SELECT f.oid, f.adrelid FROM pg_catalog.pg_attrdef AS f
),
system_space AS MATERIALIZED (SELECT $8::boolean AS is_wanted),
