-- CloudNativePG: nobody has the superuser's password unless enableSuperuserAccess is set; the
-- application's role owns its database and nothing makes roles but the operator.
-- https://gabrielebartolini.it/articles/2024/03/cloudnativepg-recipe-3-what-no-superuser-access
-- https://cloudnative-pg.io/documentation/current/declarative_role_management
CREATE ROLE streaming_replica LOGIN REPLICATION;
ALTER ROLE "my-admin" NOSUPERUSER NOCREATEROLE NOCREATEDB;
