-- The same without CREATEDB: the home database is made by somebody else.
-- https://www.postgresql.org/docs/current/role-attributes.html
ALTER ROLE "my-admin" NOSUPERUSER CREATEROLE NOCREATEDB;
