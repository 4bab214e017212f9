-- One row: a parameter that this server knows, in lower case, and whether any user may set it.
SELECT pg_catalog.lower(name) AS name, context = 'user' AS is_ordinary
  FROM pg_catalog.pg_settings
