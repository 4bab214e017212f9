-- What was in force at the end of a pass, as a whole: only what differs is written.
-- $1: the home database, $2: the key of the lock, $3: a digest over the rest.
-- $4, $5: the roles that are judged, and who declares each.
-- $6 to $10: edges, each set of them with a number of its own.
-- $11 to $14: objects by catalog and oid, with their owner and the number of their edges.
-- $15 to $17: columns that have edges of their own, by table and name. One that was renamed since
-- the pass looked has none until the next one.
WITH roles AS (
    SELECT w.role, w.declared_by
    FROM ROWS FROM (
        pg_catalog.unnest($4::oid[]),
        pg_catalog.unnest($5::text[])
    ) AS w (role, declared_by)
), edges AS (
    SELECT w.edges, w.grantee, w.privilege, w.is_grantable, w.declared_by
    FROM ROWS FROM (
        pg_catalog.unnest($6::bigint[]),
        pg_catalog.unnest($7::oid[]),
        pg_catalog.unnest($8::text[]),
        pg_catalog.unnest($9::boolean[]),
        pg_catalog.unnest($10::text[])
    ) AS w (edges, grantee, privilege, is_grantable, declared_by)
), objects AS (
    SELECT ('pg_catalog.' || w.catalog)::pg_catalog.regclass::oid AS classid, w.objid, w.owner,
        w.edges
    FROM ROWS FROM (
        pg_catalog.unnest($11::text[]),
        pg_catalog.unnest($12::oid[]),
        pg_catalog.unnest($13::oid[]),
        pg_catalog.unnest($14::bigint[])
    ) AS w (catalog, objid, owner, edges)
), wanted AS MATERIALIZED (
    SELECT o.classid, o.objid, 0 AS objsubid, o.owner, coalesce(c.relnatts, 0::smallint) AS columns,
        o.edges
    FROM objects AS o
    LEFT JOIN pg_catalog.pg_class AS c
        ON c.oid = o.objid AND o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, a.attrelid, a.attnum, 0::oid,
        0::smallint, w.edges
    FROM ROWS FROM (
        pg_catalog.unnest($15::oid[]),
        pg_catalog.unnest($16::text[]),
        pg_catalog.unnest($17::bigint[])
    ) AS w (objid, attname, edges)
    JOIN pg_catalog.pg_attribute AS a
        ON a.attrelid = w.objid AND a.attname = w.attname AND NOT a.attisdropped
), roles_gone AS (
    DELETE FROM postgregent.declared_role AS d
    WHERE NOT EXISTS (SELECT FROM roles AS w WHERE w.role = d.role)
), roles_there AS (
    INSERT INTO postgregent.declared_role AS d (role, declared_by)
    SELECT w.role, w.declared_by FROM roles AS w
    ON CONFLICT (role) DO UPDATE SET declared_by = excluded.declared_by
    WHERE d.declared_by <> excluded.declared_by
), edges_gone AS (
    DELETE FROM postgregent.declared_edge AS d
    WHERE NOT EXISTS (
        SELECT FROM edges AS w
        WHERE w.edges = d.edges AND w.grantee = d.grantee AND w.privilege = d.privilege
    )
), edges_there AS (
    INSERT INTO postgregent.declared_edge AS d
        (edges, grantee, privilege, is_grantable, declared_by)
    SELECT w.edges, w.grantee, w.privilege, w.is_grantable, w.declared_by FROM edges AS w
    ON CONFLICT (edges, grantee, privilege) DO UPDATE
        SET is_grantable = excluded.is_grantable, declared_by = excluded.declared_by
    WHERE (d.is_grantable, d.declared_by) <> (excluded.is_grantable, excluded.declared_by)
), objects_gone AS (
    DELETE FROM postgregent.declared AS d
    WHERE NOT EXISTS (
        SELECT FROM wanted AS w
        WHERE w.classid = d.classid AND w.objid = d.objid AND w.objsubid = d.objsubid
    )
), objects_there AS (
    INSERT INTO postgregent.declared AS d (classid, objid, objsubid, owner, columns, edges)
    SELECT w.classid, w.objid, w.objsubid, w.owner, w.columns, w.edges FROM wanted AS w
    ON CONFLICT (objid, classid, objsubid) DO UPDATE
        SET owner = excluded.owner, columns = excluded.columns, edges = excluded.edges
    WHERE (d.owner, d.columns, d.edges) <> (excluded.owner, excluded.columns, excluded.edges)
)
INSERT INTO postgregent.guard AS g (database, home, lock_key, contents)
SELECT d.oid, $1::name, $2::bigint, $3::text
FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
ON CONFLICT (is_it) DO UPDATE
    SET database = excluded.database, home = excluded.home, lock_key = excluded.lock_key,
        contents = excluded.contents
