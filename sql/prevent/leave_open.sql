-- The Regent is about to give and take: whatever is not what the judge was told last it forgets with
-- its object, until it is told anew.
-- $1 to $3: object by catalog and oid, and column, empty for the whole; $4, $5: grantee, privilege.
-- $6: with the grant option, or that alone; $7: given or taken, NULL for anything else.
WITH written AS (
    SELECT ('pg_catalog.' || w.catalog)::pg_catalog.regclass::oid AS classid, w.objid,
        coalesce(a.attnum, 0) AS objsubid, r.oid AS grantee, w.privilege, w.is_option, w.is_gain
    FROM ROWS FROM (
        pg_catalog.unnest($1::text[]),
        pg_catalog.unnest($2::oid[]),
        pg_catalog.unnest($3::text[]),
        pg_catalog.unnest($4::text[]),
        pg_catalog.unnest($5::text[]),
        pg_catalog.unnest($6::boolean[]),
        pg_catalog.unnest($7::boolean[])
    ) AS w (catalog, objid, attname, grantee, privilege, is_option, is_gain)
    LEFT JOIN pg_catalog.pg_roles AS r ON r.rolname = w.grantee
    LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = w.objid AND a.attname = w.attname
), told AS (
    SELECT w.classid, w.objid, w.is_gain, EXISTS (
        SELECT FROM postgregent.declared AS p
        JOIN postgregent.declared_edge AS e ON e.edges = p.edges
        WHERE p.objid = w.objid AND p.classid = w.classid AND p.objsubid = w.objsubid
          AND e.grantee = w.grantee AND e.privilege = w.privilege
          AND (e.is_grantable OR NOT w.is_option)
    ) AS is_held
    FROM written AS w
    WHERE w.is_gain IS NULL
       OR EXISTS (SELECT FROM postgregent.declared_role AS d WHERE d.role = w.grantee)
), left_open AS (
    DELETE FROM postgregent.declared AS d
    USING (
        SELECT DISTINCT t.classid, t.objid FROM told AS t
        WHERE t.is_gain IS NULL OR t.is_gain <> t.is_held
    ) AS w
    WHERE d.objid = w.objid AND d.classid = w.classid
    RETURNING d.objid
)
UPDATE postgregent.guard SET contents = '' WHERE EXISTS (SELECT FROM left_open)
