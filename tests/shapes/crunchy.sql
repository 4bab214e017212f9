-- Crunchy Postgres for Kubernetes: a user of spec.users gets its options and all privileges on its
-- databases, which belong to the superuser; the application made what is in them.
-- https://access.crunchydata.com/documentation/postgres-operator/latest/architecture/user-management/
CREATE ROLE _crunchyrepl LOGIN REPLICATION;
CREATE ROLE _crunchypgbouncer LOGIN;
ALTER DATABASE mydb OWNER TO postgres;
GRANT ALL PRIVILEGES ON DATABASE mydb TO app_owner;
GRANT ALL PRIVILEGES ON DATABASE mydb TO "my-admin";
ALTER ROLE "my-admin" NOSUPERUSER CREATEROLE CREATEDB;
