-- One row: whether we may read the passwords, and the number that initdb gave this cluster.
SELECT pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT') AS passwords,
       pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS identifier
