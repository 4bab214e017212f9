-- A server of one's own, whose DBA gave the admin two attributes and nothing else. Others made the
-- owner of the application's objects.
-- https://www.postgresql.org/docs/current/role-attributes.html
ALTER ROLE "my-admin" NOSUPERUSER CREATEROLE CREATEDB;
