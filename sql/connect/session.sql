-- One row: which server process answers, as whom, whether in a template, and the values of the
-- parameters $1, in order.
SELECT
    pg_catalog.pg_backend_pid() AS pid,
    CURRENT_USER::text AS current,
    SESSION_USER::text AS logged_in_as,
    CURRENT_USER = SESSION_USER AS is_the_admin,
    (
        SELECT d.datistemplate FROM pg_catalog.pg_database AS d
        WHERE d.datname = pg_catalog.current_database()
    ) AS is_template,
    ARRAY(
        SELECT pg_catalog.current_setting(p.name, true)
        FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY AS p (name, place)
        ORDER BY p.place
    ) AS values
