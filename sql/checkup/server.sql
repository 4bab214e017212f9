-- One row: what this server is and who looks; $1 is the owner role of home databases. `now` is by the
-- server's clock.
SELECT
    pg_catalog.current_setting('server_version') AS version,
    pg_catalog.pg_is_in_recovery() AS is_in_recovery,
    pg_catalog.clock_timestamp() AS now,
    pg_catalog.pg_postmaster_start_time() AS started_at,
    SESSION_USER::text AS login,
    pg_catalog.to_regrole(pg_catalog.quote_ident($1)) IS NOT NULL AS has_owner,
    pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS may_identify,
    pg_catalog.to_regnamespace('postgregent') IS NOT NULL AS is_installed_here
