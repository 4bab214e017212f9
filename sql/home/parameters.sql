-- One row: one setting this server knows, in lower case; is_ordinary: any user may set it.
SELECT pg_catalog.lower(s.name) AS name, s.context = 'user' AS is_ordinary
FROM pg_catalog.pg_settings AS s
