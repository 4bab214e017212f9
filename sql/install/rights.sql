-- Whose rights the detector is installed with, and whether they are enough to make a schema here.
SELECT
    current_user AS admin,
    pg_catalog.current_database() AS database,
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS may_create
