-- One row: whether anything that we install is in this database, and whether the server is a standby.
SELECT
    pg_catalog.pg_is_in_recovery() AS is_in_recovery,
    pg_catalog.to_regnamespace('postgregent') IS NOT NULL OR EXISTS (
        SELECT FROM pg_catalog.pg_event_trigger AS t
        WHERE t.evtname IN ('postgregent_change', 'postgregent_drop', 'postgregent_prevent')
    ) AS is_there;
