-- It was told all: a number of what stands there now is written beside the digest of that. What has
-- another number (told.sql) is told anew.
UPDATE postgregent.guard AS g SET contents = pg_catalog.concat_ws(
    ' ',
    g.contents,
    (SELECT coalesce(pg_catalog.bit_xor(pg_catalog.hash_record_extended(d, 1)), 0) FROM postgregent.declared AS d),
    (SELECT coalesce(pg_catalog.bit_xor(pg_catalog.hash_record_extended(d, 2)), 0) FROM postgregent.declared_edge AS d),
    (SELECT coalesce(pg_catalog.bit_xor(pg_catalog.hash_record_extended(d, 3)), 0) FROM postgregent.declared_role AS d)
)
