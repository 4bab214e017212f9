-- Which row security narrows what role $2 does to the relation $1 by the privilege $3: no row where
-- none does. `policies` are those that let the role do it; without one it sees and writes no row, and
-- restrictive ones narrow it further.
SELECT ARRAY(SELECT p.polname::text FROM pg_catalog.pg_policy AS p
             WHERE p.polrelid = c.oid AND p.polpermissive
               AND (p.polcmd = '*' OR p.polcmd = CASE $3::text WHEN 'SELECT' THEN 'r'
                    WHEN 'INSERT' THEN 'a' WHEN 'UPDATE' THEN 'w' WHEN 'DELETE' THEN 'd' END)
               AND EXISTS (SELECT FROM pg_catalog.unnest(p.polroles) AS o
                           WHERE o = 0 OR pg_catalog.pg_has_role(r.oid, o, 'USAGE'))
             ORDER BY p.polname) AS policies
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_roles AS r ON r.rolname = $2
WHERE c.oid = $1 AND c.relrowsecurity AND $3 IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
  AND NOT r.rolsuper AND NOT r.rolbypassrls
  AND (c.relforcerowsecurity OR NOT pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE'))
