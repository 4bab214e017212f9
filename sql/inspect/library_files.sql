-- One row: a file of the server's library folder. Only who may read that folder may ask.
SELECT f.name
FROM pg_catalog.pg_config() AS c
CROSS JOIN LATERAL pg_catalog.pg_ls_dir(c.setting) AS f (name)
WHERE c.name = 'PKGLIBDIR'
