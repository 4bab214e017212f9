-- As sequences.sql; before 15 no sequence can be unlogged, the one of the table's id neither.
CREATE SEQUENCE postgregent.event_taken MINVALUE 0 START 0;
CREATE SEQUENCE postgregent.event_overflow;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA postgregent TO pg_database_owner;
