-- event_taken: every id up to its value has been taken by the Regent. event_overflow: how many
-- commands found the table full. Sequences, as reading and counting them neither waits nor, in a
-- SERIALIZABLE transaction of the application, makes a conflict.
-- Unlogged like the table: after a crash all of them begin again together.
CREATE UNLOGGED SEQUENCE postgregent.event_taken MINVALUE 0 START 0;
CREATE UNLOGGED SEQUENCE postgregent.event_overflow;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA postgregent TO pg_database_owner;
