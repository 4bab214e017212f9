-- One row: what one role holds, in one catalog of one database (NULL is what all databases share),
-- that no reading of PostgRegent sees. Works in any database: pg_shdepend knows all of them.
-- `how` is o (owns), a (has privileges on), r (a policy names it); identities are those of shared
-- objects, at most 5: JSON of [type, identity, names, arguments].
-- $1 are names of roles, $2 oids of roles that are managed already: what these own is their business
-- (rule 9), but for user mappings. $3 are the served databases, $4 the catalogs that are read there.
-- Of roles that are not managed yet, the privileges that a reading sees are counted too (in served
-- databases), as it may leave them alone: holdings_here.sql tells which. Of what is shared, each
-- membership and tablespace comes in a row of its own, for its name to be looked at.
-- What is read is most of pg_shdepend, so the rest is looked up by database and catalog; OFFSET 0
-- keeps the planner from joining the whole instead.
WITH asked AS MATERIALIZED (
    SELECT r.oid, r.rolname, m.oid IS NOT NULL AS is_managed
    FROM pg_catalog.pg_roles AS r
    LEFT JOIN (SELECT DISTINCT pg_catalog.unnest($2::pg_catalog.oid[]) AS oid) AS m
        ON m.oid = r.oid
    WHERE m.oid IS NOT NULL
       OR r.rolname IN (SELECT w.name::name FROM pg_catalog.unnest($1::pg_catalog.text[]) AS w (name))
),
database AS MATERIALIZED (
    SELECT d.oid, d.datname::text AS name, d.datname = ANY ($3::pg_catalog.text[]) AS is_served
    FROM pg_catalog.pg_database AS d
    UNION ALL
    SELECT 0, NULL, true
),
unread AS MATERIALIZED (
    SELECT c.oid FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace AND c.relkind = 'r'
      AND c.relname <> ALL ($4::pg_catalog.text[])
      AND c.oid <> 'pg_catalog.pg_shdepend'::pg_catalog.regclass
),
-- Kinds that no reading knows.
of_unread AS (
    SELECT s.* FROM database AS d CROSS JOIN unread AS u
    CROSS JOIN LATERAL (
        SELECT * FROM pg_catalog.pg_shdepend AS p
        WHERE p.dbid = d.oid AND p.classid = u.oid OFFSET 0
    ) AS s
    WHERE d.is_served
),
of_other_databases AS (
    SELECT s.* FROM database AS d
    CROSS JOIN LATERAL (
        SELECT * FROM pg_catalog.pg_shdepend AS p WHERE p.dbid = d.oid OFFSET 0
    ) AS s
    WHERE NOT d.is_served
    UNION ALL
    SELECT s.* FROM pg_catalog.pg_shdepend AS s
    JOIN database AS d ON d.oid = s.objid
    WHERE s.dbid = 0 AND s.classid = 'pg_catalog.pg_database'::pg_catalog.regclass
      AND s.deptype = 'a' AND NOT d.is_served
),
-- What it owns, or has privileges on, of the kinds that are read.
of_read AS (
    SELECT s.* FROM asked AS a
    CROSS JOIN LATERAL (
        SELECT * FROM pg_catalog.pg_shdepend AS p
        WHERE p.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND p.refobjid = a.oid
        OFFSET 0
    ) AS s
    JOIN database AS d ON d.oid = s.dbid AND d.is_served
    WHERE NOT a.is_managed AND (s.deptype IN ('o', 'r') OR s.deptype = 'a' AND s.dbid <> 0)
      AND s.classid NOT IN (SELECT u.oid FROM unread AS u)
),
held AS (
    SELECT s.dbid, s.classid, s.objid, s.deptype, a.oid AS role_oid, a.rolname,
        row_number() OVER (PARTITION BY a.oid, s.dbid, s.classid, s.deptype) AS number
    FROM (
        SELECT * FROM of_unread
        UNION ALL SELECT * FROM of_other_databases
        UNION ALL SELECT * FROM of_read
    ) AS s
    JOIN asked AS a ON a.oid = s.refobjid
    WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
      AND (s.deptype IN ('a', 'r')
        OR (s.deptype = 'o'
            AND s.classid <> 'pg_catalog.pg_default_acl'::pg_catalog.regclass
            AND (NOT a.is_managed
                OR s.classid = 'pg_catalog.pg_user_mapping'::pg_catalog.regclass)))
)
SELECT
    h.role_oid, h.rolname::text AS role, d.name AS database,
    h.deptype::text AS how, c.relname::text AS catalog, NULL::text AS schema,
    d.is_served AND h.classid <> 'pg_catalog.pg_database'::pg_catalog.regclass AS is_served,
    count(*) AS objects,
    pg_catalog.array_agg(
        pg_catalog.json_build_array(i.type, i.identity, a.object_names, a.object_args)::text
        ORDER BY h.objid
    ) FILTER (WHERE i.type IS NOT NULL) AS named
FROM held AS h
JOIN database AS d ON d.oid = h.dbid
JOIN pg_catalog.pg_class AS c ON c.oid = h.classid
LEFT JOIN LATERAL pg_catalog.pg_identify_object(h.classid, h.objid, 0) AS i
    ON h.dbid = 0 AND h.number <= 5
LEFT JOIN LATERAL pg_catalog.pg_identify_object_as_address(h.classid, h.objid, 0) AS a
    ON h.dbid = 0 AND h.number <= 5
GROUP BY h.role_oid, h.rolname, d.name, d.is_served, h.deptype, c.relname, h.classid
UNION ALL
SELECT a.oid, a.rolname::text, NULL, 'a', x.catalog, NULL, true, 1, ARRAY[
    pg_catalog.json_build_array(x.kind, x.name, ARRAY[x.name], ARRAY[]::text[])::text
]
FROM asked AS a
CROSS JOIN LATERAL (
    SELECT 'pg_auth_members' AS catalog, 'role' AS kind, g.rolname::text AS name
    FROM pg_catalog.pg_auth_members AS m JOIN pg_catalog.pg_roles AS g ON g.oid = m.roleid
    WHERE m.member = a.oid
    UNION
    SELECT 'pg_tablespace', 'tablespace', t.spcname::text
    FROM pg_catalog.pg_shdepend AS s JOIN pg_catalog.pg_tablespace AS t ON t.oid = s.objid
    WHERE s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = a.oid
      AND s.classid = 'pg_catalog.pg_tablespace'::pg_catalog.regclass AND s.deptype = 'a'
) AS x
WHERE NOT a.is_managed
ORDER BY role, database NULLS FIRST, how, catalog
