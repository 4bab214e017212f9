-- One row: this database, and whether we may make a schema in it.
SELECT d.datistemplate AS is_template,
       pg_catalog.has_database_privilege(d.oid, 'CREATE') AS may_create
FROM pg_catalog.pg_database AS d
WHERE d.datname = pg_catalog.current_database()
