-- A kind that is read only when a declaration names it ($5 are those) or somebody was granted
-- something on it: else it costs one look into an index.
SELECT f.* FROM (
:fragment:
) AS f
WHERE ':kind:' = ANY ($5::text[]) OR EXISTS (
    SELECT FROM pg_catalog.pg_shdepend AS d
    WHERE d.dbid = (SELECT here.oid FROM here) AND d.deptype = 'a'
      AND d.classid = 'pg_catalog.:catalog:'::pg_catalog.regclass)
