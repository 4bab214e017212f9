-- One row: what the judge of this database was told last, and with which lock it goes.
SELECT g.contents, g.lock_key, g.home,
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
