-- Does not move while no transaction that writes ends on the whole server.
SELECT pg_catalog.pg_current_snapshot()::pg_catalog.text;
