-- One row when a database of this name ($1) exists: who owns it, and whether PUBLIC may connect.
SELECT
    pg_catalog.pg_get_userbyid(d.datdba) AS owner,
    EXISTS (
        SELECT FROM pg_catalog.aclexplode(
            coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))
        ) AS a
        WHERE a.grantee = 0
    ) AS public_has_rights
FROM pg_catalog.pg_database AS d
WHERE d.datname = $1
