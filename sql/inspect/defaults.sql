-- What roles give on objects that they make from now on (ALTER DEFAULT PRIVILEGES): form is the kind
-- of object as pg_default_acl has it, owner who makes them. schema NULL is everywhere. Few or none.
SELECT 'defaults', d.defaclobjtype::text, n.nspname, pg_catalog.pg_get_userbyid(d.defaclrole),
       d.defaclacl::text[], false, NULL, ARRAY[d.oid], NULL, NULL
FROM pg_catalog.pg_default_acl AS d
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = d.defaclnamespace
