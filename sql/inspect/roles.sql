-- One row is one role; settings too (pg_roles hides passwords alone). :table: is pg_authid and
-- :verifier: its password for those who may read it, else pg_roles and NULL.
-- VALID UNTIL is NULL for ever; what lies outside Python's years is brought to their edge.
SELECT r.oid, r.rolname::text AS name, r.rolcanlogin AS login, r.rolsuper AS superuser,
       r.rolcreatedb AS createdb, r.rolcreaterole AS createrole, r.rolinherit AS inherit,
       r.rolreplication AS replication, r.rolbypassrls AS bypassrls,
       r.rolconnlimit AS connection_limit,
       CASE WHEN r.rolvaliduntil < timestamptz 'infinity' THEN
           least(greatest(r.rolvaliduntil, timestamptz '0001-01-02 00:00:00+00'),
                 timestamptz '9999-12-30 00:00:00+00') END AS valid_until,
       coalesce(r.rolvaliduntil <= pg_catalog.now(), false) AS has_expired,
       :verifier: AS verifier
FROM pg_catalog.:table: AS r
ORDER BY r.oid
