-- One row: whether we may list the server's library folder.
SELECT pg_catalog.has_function_privilege('pg_catalog.pg_ls_dir(text)', 'EXECUTE')
    AND pg_catalog.has_function_privilege('pg_catalog.pg_config()', 'EXECUTE') AS may
