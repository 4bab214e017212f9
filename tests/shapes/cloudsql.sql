-- Google Cloud SQL: users that Cloud SQL makes are in cloudsqlsuperuser, with two attributes.
-- https://cloud.google.com/sql/docs/postgres/users
CREATE ROLE cloudsqladmin LOGIN SUPERUSER REPLICATION;
CREATE ROLE cloudsqlsuperuser NOLOGIN CREATEROLE CREATEDB;
CREATE ROLE cloudsqlimportexport LOGIN;
GRANT pg_monitor, pg_signal_backend TO cloudsqlsuperuser;
ALTER ROLE "my-admin" NOSUPERUSER CREATEROLE CREATEDB NOREPLICATION;
GRANT cloudsqlsuperuser TO "my-admin";
