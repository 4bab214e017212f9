-- The schema that a served database gets, and nobody but pg_dump's user may look into. It is ours
-- already, or was made a moment ago in this transaction.
-- pg_database_owner needs USAGE here (and SELECT on what is in it) so that a dump by the owner works.
ALTER SCHEMA postgregent OWNER TO CURRENT_USER;
REVOKE ALL ON SCHEMA postgregent FROM PUBLIC CASCADE;
GRANT USAGE ON SCHEMA postgregent TO pg_database_owner;
