-- One row: the ACL of one parameter, which belongs to the bootstrap superuser. From 15 on.
UNION ALL
SELECT 'PARAMETER ' || (
        SELECT pg_catalog.string_agg(pg_catalog.quote_ident(w.part), '.' ORDER BY w.place)
        FROM pg_catalog.unnest(pg_catalog.string_to_array(p.parname, '.'))
            WITH ORDINALITY AS w (part, place)
    ), NULL, p.paracl, 10::pg_catalog.oid, NULL,
    'pg_parameter_acl', p.oid
FROM pg_catalog.pg_parameter_acl AS p WHERE p.paracl IS NOT NULL
