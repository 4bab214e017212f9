-- One row is one thing that a test could leave behind on a server, in the database of this
-- connection or in the catalogs that all databases share; as text, to be compared.
SELECT 'role ' || r::text AS thing FROM pg_catalog.pg_authid r
UNION ALL
SELECT 'membership ' || m::text FROM pg_catalog.pg_auth_members m
UNION ALL
SELECT 'role setting ' || s::text FROM pg_catalog.pg_db_role_setting s
UNION ALL
SELECT 'database ' || ROW(
    datname, datdba, datconnlimit, datallowconn, datistemplate,
    coalesce(datacl, pg_catalog.acldefault('d', datdba)))::text
FROM pg_catalog.pg_database
UNION ALL
SELECT 'tablespace ' || t::text FROM pg_catalog.pg_tablespace t
UNION ALL
SELECT 'comment ' || ROW(classoid, objoid, description)::text FROM pg_catalog.pg_shdescription
UNION ALL
SELECT 'setting ' || ROW(name, setting)::text
FROM pg_catalog.pg_file_settings WHERE name IS NOT NULL
UNION ALL
SELECT 'schema ' || ROW(nspname, coalesce(nspacl, pg_catalog.acldefault('n', nspowner)))::text
FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_(temp|toast_temp)'
UNION ALL
SELECT 'relations ' || pg_catalog.count(*)::text
FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_(temp|toast_temp)'
UNION ALL
SELECT 'routines ' || pg_catalog.count(*)::text FROM pg_catalog.pg_proc
UNION ALL
SELECT 'event trigger ' || evtname::text FROM pg_catalog.pg_event_trigger
UNION ALL
SELECT 'default privileges ' || d::text FROM pg_catalog.pg_default_acl d
UNION ALL
SELECT 'extension ' || extname::text FROM pg_catalog.pg_extension
ORDER BY thing
