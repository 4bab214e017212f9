-- One row: the name of an extension or library that the server could load, as far as anybody may
-- know: extensions that are available or installed, and libraries that settings name.
SELECT a.name::text AS name FROM pg_catalog.pg_available_extensions AS a
UNION
SELECT e.extname::text FROM pg_catalog.pg_extension AS e
UNION
SELECT pg_catalog.btrim(l.name, ' "')
FROM pg_catalog.pg_settings AS s
CROSS JOIN LATERAL pg_catalog.regexp_split_to_table(s.setting, ',') AS l (name)
WHERE s.name IN (
    'shared_preload_libraries', 'session_preload_libraries', 'local_preload_libraries'
)
