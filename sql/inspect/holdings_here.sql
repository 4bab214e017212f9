-- One row: the same as of holdings.sql for this database, for the roles $1 (oids), by schema and with
-- at most 5 identities each. $2 are those of the roles that are managed already, $3 the catalogs that
-- are read, $4 the schemas (oids) that a reading leaves alone. is_left: a reading leaves it alone, or
-- may do so for its name, and then it has a row of its own. What is in temporary schemas goes with
-- its session.
SELECT
    h.refobjid AS role_oid, pg_catalog.current_database()::text AS database,
    h.deptype::text AS how, c.relname::text AS catalog, n.nspname::text AS schema, true AS is_served,
    h.deptype = 'a' AND c.relname = ANY ($3::pg_catalog.text[]) AS is_left,
    count(*) AS objects,
    (pg_catalog.array_agg(
        pg_catalog.json_build_array(i.type, i.identity, a.object_names, a.object_args)::text
        ORDER BY h.objid))[1:5] AS named
FROM pg_catalog.pg_shdepend AS h
JOIN pg_catalog.pg_class AS c ON c.oid = h.classid
CROSS JOIN LATERAL pg_catalog.pg_identify_object(h.classid, h.objid, h.objsubid) AS i
CROSS JOIN LATERAL
    pg_catalog.pg_identify_object_as_address(h.classid, h.objid, h.objsubid) AS a
LEFT JOIN pg_catalog.pg_namespace AS n
    ON pg_catalog.quote_ident(n.nspname) = i.schema
    OR h.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND n.oid = h.objid
    OR h.classid = 'pg_catalog.pg_default_acl'::pg_catalog.regclass
        AND n.nspname::text = a.object_names[2]
WHERE h.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
  AND h.refobjid = ANY ($1::pg_catalog.oid[])
  AND h.dbid = (
        SELECT d.oid FROM pg_catalog.pg_database AS d
        WHERE d.datname = pg_catalog.current_database()
    )
  AND CASE h.deptype
        WHEN 'a' THEN c.relname <> ALL ($3::pg_catalog.text[])
            OR h.refobjid <> ALL ($2::pg_catalog.oid[])
            AND (n.oid = ANY ($4::pg_catalog.oid[]) OR i.identity ~ '[^ -~]' COLLATE "C")
        WHEN 'o' THEN h.classid <> 'pg_catalog.pg_default_acl'::pg_catalog.regclass AND (
            h.classid = 'pg_catalog.pg_user_mapping'::pg_catalog.regclass
            OR h.refobjid <> ALL ($2::pg_catalog.oid[]))
        ELSE h.deptype = 'r'
      END
  AND i.type IS NOT NULL
  AND coalesce(i.schema, '') !~ '^pg_(toast_)?temp_?[0-9]*$'
GROUP BY h.refobjid, h.deptype, c.relname, n.nspname,
    CASE WHEN h.deptype = 'a' AND (n.oid = ANY ($4::pg_catalog.oid[])) IS NOT TRUE THEN h.objid END
ORDER BY h.refobjid, h.deptype, c.relname, n.nspname
