-- Azure Database for PostgreSQL, flexible server: the server admin is in azure_pg_admin. A login by
-- Microsoft Entra is a security label of the role; plain PostgreSQL has no provider of such labels,
-- so this one is written where PostgreSQL keeps them.
-- https://learn.microsoft.com/en-us/azure/postgresql/flexible-server/how-to-create-users
-- https://learn.microsoft.com/en-us/azure/postgresql/flexible-server/how-to-manage-azure-ad-users
CREATE ROLE azuresu LOGIN SUPERUSER REPLICATION;
CREATE ROLE azure_pg_admin NOLOGIN;
GRANT pg_monitor, pg_signal_backend TO azure_pg_admin WITH ADMIN OPTION;
ALTER ROLE "my-admin" NOSUPERUSER CREATEROLE CREATEDB REPLICATION;
GRANT azure_pg_admin TO "my-admin" WITH ADMIN OPTION;
