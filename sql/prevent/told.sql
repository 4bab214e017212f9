-- One row: what the judge of this database was told last, and with which lock it goes. "written" is
-- a number of what stands beside it now, whoever wrote that.
SELECT g.contents, g.lock_key, g.home,
    pg_catalog.concat_ws(
        ' ',
        (SELECT coalesce(pg_catalog.bit_xor(pg_catalog.hash_record_extended(d, 1)), 0) FROM postgregent.declared AS d),
        (SELECT coalesce(pg_catalog.bit_xor(pg_catalog.hash_record_extended(d, 2)), 0) FROM postgregent.declared_edge AS d),
        (SELECT coalesce(pg_catalog.bit_xor(pg_catalog.hash_record_extended(d, 3)), 0) FROM postgregent.declared_role AS d)
    ) AS written,
    g.database = (
        SELECT d.oid FROM pg_catalog.pg_database AS d
        WHERE d.datname = pg_catalog.current_database()
    ) AS is_of_here,
    EXISTS (
        SELECT FROM postgregent.declared AS d
        JOIN pg_catalog.pg_class AS c ON c.oid = d.objid AND c.relnatts <> d.columns
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
    ) AS has_new_columns
FROM postgregent.guard AS g
