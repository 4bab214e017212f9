-- The schema that a served database gets, and nobody but pg_dump's user may look into.
-- pg_database_owner needs USAGE here (and SELECT on what is in it) so that a dump by the owner works.
CREATE SCHEMA IF NOT EXISTS postgregent;
ALTER SCHEMA postgregent OWNER TO CURRENT_USER;
REVOKE ALL ON SCHEMA postgregent FROM PUBLIC CASCADE;
GRANT USAGE ON SCHEMA postgregent TO pg_database_owner;
