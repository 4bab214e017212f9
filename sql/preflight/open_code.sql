-- One row: a SECURITY DEFINER routine of this database that everybody (PUBLIC) may execute, as SQL
-- names it, and as whom it runs. Not what initdb made, nor what only an event trigger can call.
SELECT i.identity, pg_catalog.pg_get_userbyid(p.proowner)::text AS owner,
       EXISTS (
           SELECT FROM pg_catalog.pg_depend AS e
           WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid
             AND e.deptype = 'e'
       ) AS is_of_an_extension
FROM pg_catalog.pg_proc AS p
CROSS JOIN LATERAL
    pg_catalog.pg_identify_object('pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0) AS i
WHERE p.prosecdef AND p.oid >= 16384
  AND p.prorettype <> 'pg_catalog.event_trigger'::pg_catalog.regtype
  AND EXISTS (
    SELECT FROM pg_catalog.aclexplode(
        coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS a
    WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE'
)
ORDER BY i.identity
