-- One row: a hash over the rows of pg_event_trigger, and over those that make up our detector.
-- "not_recorded" is how many commands could not be recorded, or found the table full.
-- CREATE OR REPLACE of our function fires nothing, neither does dropping a trigger.
SELECT
    (
        SELECT pg_catalog.bit_xor(
            pg_catalog.hashtextextended(t.ctid::pg_catalog.text || ' ' || t.xmin::pg_catalog.text, 0)
        ) FROM pg_catalog.pg_event_trigger AS t
    ) AS triggers,
    (
        SELECT pg_catalog.string_agg(
            p.ctid::pg_catalog.text || ' ' || p.xmin::pg_catalog.text, ',' ORDER BY p.proname
        )
        FROM pg_catalog.pg_proc AS p
        WHERE p.proname IN ('record_change', 'refuse_change') AND p.pronargs = 0
          AND p.pronamespace = pg_catalog.to_regnamespace('postgregent')
    ) AS function,
    (
        SELECT pg_catalog.bit_xor(c.oid::pg_catalog.int8 * 31 + pg_catalog.hashtextextended(
            coalesce(c.relacl::pg_catalog.text, '') || c.relowner::pg_catalog.text
            || c.relhasrules::pg_catalog.text || c.relhastriggers::pg_catalog.text
            || c.relchecks::pg_catalog.text || c.relrowsecurity::pg_catalog.text
            || c.relnatts::pg_catalog.text, 0
        ))
        FROM pg_catalog.pg_class AS c
        WHERE c.relname IN (
            'event', 'event_id_seq', 'event_taken', 'event_overflow',
            'guard', 'declared_role', 'declared', 'declared_edge', 'judged_until', 'not_judged'
        )
          AND c.relnamespace = pg_catalog.to_regnamespace('postgregent')
    ) AS relations,
    (
        SELECT n.ctid::pg_catalog.text || ' ' || n.xmin::pg_catalog.text
        FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'postgregent'
    ) AS schema,
    (
        SELECT pg_catalog.pg_sequence_last_value(c.oid)
        FROM pg_catalog.pg_class AS c
        WHERE c.relname = 'event_overflow' AND c.relkind = 'S'
          AND c.relnamespace = pg_catalog.to_regnamespace('postgregent')
    ) AS not_recorded,
    pg_catalog.to_regclass('postgregent.event') IS NOT NULL AS has_events;
