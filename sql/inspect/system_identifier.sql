-- One row: the number that initdb gave this cluster; its replicas and restored copies have it too.
SELECT s.system_identifier::text FROM pg_catalog.pg_control_system() AS s
