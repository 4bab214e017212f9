-- Tells the trigger which ids are behind us: below the lowest row left, else all that were given.
SELECT pg_catalog.setval('postgregent.event_taken', coalesce(
    (SELECT e.id - 1 FROM postgregent.event AS e ORDER BY e.id LIMIT 1),
    pg_catalog.pg_sequence_last_value('postgregent.event_id_seq'),
    0
));
