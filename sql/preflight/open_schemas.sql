-- One row: a schema of this database in which everybody (PUBLIC) may create.
SELECT n.nspname::text AS name
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname !~ '^pg_' AND EXISTS (
    SELECT FROM pg_catalog.aclexplode(
        coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) AS a
    WHERE a.grantee = 0 AND a.privilege_type = 'CREATE'
)
ORDER BY n.nspname
