-- One row: something about the owner role ($1), where it exists, that PostgRegent does not make so,
-- and the SQL that a superuser runs to mend it. Works in any database.
-- Its members may write what every Regent obeys. So a member is believed only when it is the session
-- user or the role that it acts as (setRole), a superuser, or was let in by a superuser or by that
-- role. From 16 on the creator of a role gets ADMIN alone
-- in the bootstrap superuser's name: that says nothing.
WITH owner AS (
    SELECT r.* FROM pg_catalog.pg_roles AS r WHERE r.rolname = $1
),
member AS (
    SELECT
        m.member,
        bool_or(
            coalesce(g.rolsuper OR (g.rolname = CURRENT_USER AND CURRENT_USER <> SESSION_USER), false)
            AND coalesce(pg_catalog.to_jsonb(m) ->> 'set_option', 'true') = 'true'
        ) AS is_let_in
    FROM pg_catalog.pg_auth_members AS m
    JOIN owner AS o ON o.oid = m.roleid
    LEFT JOIN pg_catalog.pg_roles AS g ON g.oid = m.grantor
    GROUP BY m.member
)
SELECT
    pg_catalog.format('the role %I has %s', o.rolname, a.attribute) AS what,
    pg_catalog.format('ALTER ROLE %I NO%s', o.rolname, a.attribute) AS mend
FROM owner AS o
CROSS JOIN LATERAL (
    VALUES ('LOGIN', o.rolcanlogin), ('SUPERUSER', o.rolsuper), ('CREATEDB', o.rolcreatedb),
    ('CREATEROLE', o.rolcreaterole), ('REPLICATION', o.rolreplication),
    ('BYPASSRLS', o.rolbypassrls)
) AS a (attribute, is_set)
WHERE a.is_set
UNION ALL
SELECT
    pg_catalog.format('the role %I is a member of %I', o.rolname, g.rolname),
    pg_catalog.format('REVOKE %I FROM %I', g.rolname, o.rolname)
FROM owner AS o
JOIN pg_catalog.pg_auth_members AS m ON m.member = o.oid
JOIN pg_catalog.pg_roles AS g ON g.oid = m.roleid
UNION ALL
SELECT
    pg_catalog.format('the role %I has the member %I, whom no superuser let in', o.rolname, u.rolname),
    pg_catalog.format(
        'REVOKE %1$I FROM %2$I CASCADE; and, only if %2$I is the admin of another Regent: '
        'GRANT %1$I TO %2$I', o.rolname, u.rolname
    )
FROM owner AS o
CROSS JOIN member AS m
JOIN pg_catalog.pg_roles AS u ON u.oid = m.member
WHERE NOT m.is_let_in AND NOT u.rolsuper AND u.rolname NOT IN (SESSION_USER, CURRENT_USER)
