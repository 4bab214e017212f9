-- One row: whether this database holds our tables.
SELECT pg_catalog.to_regclass('postgregent.migrations') IS NOT NULL AS has_schema
