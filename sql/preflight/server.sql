-- One row: the server's date, and whether we may end the sessions of everybody but superusers.
SELECT pg_catalog.now()::date AS today,
       pg_catalog.pg_has_role(CURRENT_USER, 'pg_signal_backend', 'USAGE') AS may_signal
