-- Neon: the role of the project is in neon_superuser, owns its database, and makes what is in it.
-- https://neon.com/docs/manage/roles
-- https://github.com/neondatabase/neon/blob/main/compute_tools/src/spec_apply.rs
CREATE ROLE cloud_admin LOGIN SUPERUSER REPLICATION;
CREATE ROLE neon_superuser NOLOGIN CREATEROLE CREATEDB BYPASSRLS REPLICATION;
GRANT pg_read_all_data, pg_write_all_data TO neon_superuser;
GRANT pg_monitor, pg_signal_backend TO neon_superuser WITH ADMIN OPTION;
ALTER DATABASE mydb OWNER TO "my-admin";
GRANT ALL PRIVILEGES ON DATABASE mydb TO neon_superuser;
ALTER ROLE "my-admin" NOSUPERUSER CREATEROLE CREATEDB BYPASSRLS REPLICATION;
GRANT neon_superuser TO "my-admin";
