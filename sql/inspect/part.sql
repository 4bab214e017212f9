-- What a targeted reading looks at; reading.sql continues the statement.
-- $5 are relations, $6 are schemas: what changed.sql found.
WITH looked_at AS NOT MATERIALIZED (
    SELECT c.oid, c.relname, c.relnamespace, c.relowner, c.relkind, c.relacl
    FROM pg_catalog.pg_class AS c
    WHERE c.oid = ANY ($5::oid[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 't')
),
looked_at_space AS NOT MATERIALIZED (
    SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace AS n
    WHERE n.oid = ANY ($6::oid[])
),
looked_at_column AS NOT MATERIALIZED (
    SELECT a.attrelid, a.attnum FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = ANY ($5::oid[]) AND a.attacl IS NOT NULL
),
looked_at_default AS NOT MATERIALIZED (
    SELECT f.oid, f.adrelid FROM pg_catalog.pg_attrdef AS f WHERE f.adrelid = ANY ($5::oid[])
),
system_space AS MATERIALIZED (SELECT false AS is_wanted),
