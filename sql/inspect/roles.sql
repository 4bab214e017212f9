-- One row is one role, passwords among it: for those who may read pg_authid.
-- VALID UNTIL is NULL for ever; what lies outside Python's years is brought to their edge.
SELECT r.oid, r.rolname::text AS name, r.rolcanlogin AS login, r.rolsuper AS superuser,
       r.rolcreatedb AS createdb, r.rolcreaterole AS createrole, r.rolinherit AS inherit,
       r.rolreplication AS replication, r.rolbypassrls AS bypassrls,
       r.rolconnlimit AS connection_limit,
       CASE WHEN r.rolvaliduntil < timestamptz 'infinity' THEN
           least(greatest(r.rolvaliduntil, timestamptz '0001-01-02 00:00:00+00'),
                 timestamptz '9999-12-30 00:00:00+00') END AS valid_until,
       r.rolpassword AS verifier
FROM pg_catalog.pg_authid AS r
ORDER BY r.oid
