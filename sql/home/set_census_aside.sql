-- No row: the oids by which Regent $1 remembers roles that nobody declares were another server's. They
-- make room for those of this one: no server gives a role an oid beyond 4,000,000,000 so soon.
UPDATE postgregent.unmanaged AS u
SET role_oid = (w.beyond + w.number)::pg_catalog.oid
FROM (
    SELECT n.role_oid, pg_catalog.row_number() OVER (ORDER BY n.role_oid DESC) AS number, (
        SELECT coalesce(max(a.role_oid::bigint), 4000000000)
        FROM postgregent.unmanaged AS a
        WHERE a.regent = $1 AND a.role_oid >= 4000000000
    ) AS beyond
    FROM postgregent.unmanaged AS n
    WHERE n.regent = $1 AND n.role_oid < 4000000000
) AS w
WHERE u.regent = $1 AND u.role_oid = w.role_oid
