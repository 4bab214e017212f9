-- One row that differs once a row of others' sessions ($1: our pids) was added; NULL without any.
-- Ids are not committed in order, so the greatest one alone would miss some.
SELECT pg_catalog.bit_xor(pg_catalog.hashint8extended(e.id, 0)) AS events
FROM postgregent.event AS e
WHERE e.pid <> ALL ($1::pg_catalog.text[]::pg_catalog.int4[]);
