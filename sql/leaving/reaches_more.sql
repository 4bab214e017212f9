-- One row: something that role $2 can do and role $1 cannot: `what` it is (attribute, membership,
-- ownership, privilege), and `detail` names it. No row: $1 can do all that $2 can. Where that is not
-- plain to see it counts as more (docs/adr/0016).
--
-- pg_shdepend knows owners and grantees of every database. $3 (databases), $4 (catalogs), $5 (oids),
-- in parallel, are objects that $1 owned until a moment ago. What the roles $6 own counts as $2's: it
-- is about to come to it too. What an ACL says exactly can be read here, and of what all databases
-- share.
WITH RECURSIVE reached AS (
    SELECT r.rolname = $2 AS is_heir, r.oid
    FROM pg_catalog.pg_roles AS r WHERE r.rolname IN ($1, $2)
    UNION
    SELECT w.is_heir, m.roleid
    FROM reached AS w JOIN pg_catalog.pg_auth_members AS m ON m.member = w.oid
),
extra AS MATERIALIZED (
    SELECT w.oid FROM reached AS w WHERE w.is_heir
    EXCEPT
    SELECT w.oid FROM reached AS w WHERE NOT w.is_heir
),
coming AS (
    SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = ANY ($6::text[])
),
attribute AS (
    SELECT DISTINCT w.is_heir, a.name
    FROM reached AS w
    JOIN pg_catalog.pg_roles AS r ON r.oid = w.oid
    CROSS JOIN LATERAL (VALUES
        ('superuser', r.rolsuper), ('createrole', r.rolcreaterole), ('createdb', r.rolcreatedb),
        ('replication', r.rolreplication), ('bypassrls', r.rolbypassrls)
    ) AS a (name, has)
    WHERE a.has
),
here AS (
    SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
),
held AS MATERIALIZED (
    SELECT DISTINCT s.dbid, s.classid, s.objid, s.objsubid, s.deptype = 'o' AS owns, s.refobjid
    FROM pg_catalog.pg_shdepend AS s
    WHERE (s.refobjid IN (SELECT e.oid FROM extra AS e)
        OR (s.deptype = 'o' AND s.refobjid IN (SELECT c.oid FROM coming AS c)))
      AND s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
      AND (s.dbid, s.classid, s.objid) NOT IN (
            SELECT x.dbid, x.classid, x.objid
            FROM ROWS FROM (
                pg_catalog.unnest($3::pg_catalog.oid[]), pg_catalog.unnest($4::pg_catalog.oid[]),
                pg_catalog.unnest($5::pg_catalog.oid[])
            ) AS x (dbid, classid, objid)
        )
      AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_shdepend AS l
            JOIN reached AS w ON w.oid = l.refobjid AND NOT w.is_heir
            WHERE l.refclassid = s.refclassid AND l.deptype = 'o'
              AND l.dbid = s.dbid AND l.classid = s.classid AND l.objid = s.objid
        )
),
-- The ACLs of what is held, where they can be read.
acl AS (
    SELECT h.dbid, h.classid, h.objid, h.objsubid, h.refobjid, x.acl
    FROM held AS h
    CROSS JOIN LATERAL (
        SELECT c.relacl FROM pg_catalog.pg_class AS c
        WHERE h.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND h.objsubid = 0
          AND c.oid = h.objid
        UNION ALL
        SELECT a.attacl FROM pg_catalog.pg_attribute AS a
        WHERE h.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND h.objsubid <> 0
          AND a.attrelid = h.objid AND a.attnum = h.objsubid
        UNION ALL
        SELECT n.nspacl FROM pg_catalog.pg_namespace AS n
        WHERE h.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND n.oid = h.objid
        UNION ALL
        SELECT p.proacl FROM pg_catalog.pg_proc AS p
        WHERE h.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = h.objid
        UNION ALL
        SELECT d.datacl FROM pg_catalog.pg_database AS d
        WHERE h.classid = 'pg_catalog.pg_database'::pg_catalog.regclass AND d.oid = h.objid
        UNION ALL
        SELECT s.spcacl FROM pg_catalog.pg_tablespace AS s
        WHERE h.classid = 'pg_catalog.pg_tablespace'::pg_catalog.regclass AND s.oid = h.objid
    ) AS x (acl)
    WHERE NOT h.owns AND h.dbid IN (0, (SELECT here.oid FROM here)) AND x.acl IS NOT NULL
)
SELECT m.what, m.detail
FROM (
SELECT 'attribute' AS what, pg_catalog.upper(h.name) AS detail
FROM attribute AS h
WHERE h.is_heir AND h.name NOT IN (SELECT a.name FROM attribute AS a WHERE NOT a.is_heir)
UNION ALL
SELECT 'membership', pg_catalog.pg_get_userbyid(e.oid)::text
FROM extra AS e WHERE pg_catalog.pg_get_userbyid(e.oid) <> $2
UNION ALL
SELECT 'ownership', coalesce(
    CASE WHEN h.dbid IN (0, (SELECT here.oid FROM here))
        THEN pg_catalog.pg_describe_object(h.classid, h.objid, 0) END,
    'something in ' || (SELECT d.datname FROM pg_catalog.pg_database AS d WHERE d.oid = h.dbid),
    'something')
FROM held AS h WHERE h.owns
UNION ALL
SELECT 'privilege', coalesce(
    CASE WHEN h.dbid IN (0, (SELECT here.oid FROM here))
        THEN pg_catalog.pg_describe_object(h.classid, h.objid, 0) END,
    'something in ' || (SELECT d.datname FROM pg_catalog.pg_database AS d WHERE d.oid = h.dbid),
    'something')
FROM held AS h
WHERE NOT h.owns AND NOT EXISTS (
    SELECT FROM acl AS a
    WHERE (a.dbid, a.classid, a.objid, a.objsubid, a.refobjid)
        = (h.dbid, h.classid, h.objid, h.objsubid, h.refobjid)
      AND NOT EXISTS (
            SELECT i.privilege_type, i.is_grantable
            FROM pg_catalog.aclexplode(a.acl) AS i WHERE i.grantee = a.refobjid
            EXCEPT
            SELECT o.privilege_type, g.grantable
            FROM pg_catalog.aclexplode(a.acl) AS o
            LEFT JOIN reached AS w ON w.oid = o.grantee AND NOT w.is_heir
            CROSS JOIN LATERAL (VALUES (false), (o.is_grantable)) AS g (grantable)
            WHERE o.grantee = 0 OR w.oid IS NOT NULL
        )
)
) AS m
WHERE NOT EXISTS (
    SELECT FROM attribute AS a WHERE NOT a.is_heir AND a.name = 'superuser'
)
