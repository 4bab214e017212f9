-- Supabase: `postgres`, here my-admin, is no superuser and owns what the project makes; supautils
-- lets it do more, which plain PostgreSQL cannot show. Event triggers of the platform are there.
-- https://supabase.com/docs/guides/database/postgres/roles-superuser
-- https://github.com/supabase/supautils
-- https://github.com/supabase/postgres/blob/develop/migrations/db/migrations/10000000000000_demote-postgres.sql
CREATE ROLE supabase_admin LOGIN SUPERUSER REPLICATION;
CREATE ROLE anon NOLOGIN;
CREATE ROLE authenticated NOLOGIN;
CREATE ROLE service_role NOLOGIN BYPASSRLS;
CREATE ROLE authenticator LOGIN NOINHERIT;
CREATE ROLE supabase_auth_admin LOGIN NOINHERIT CREATEROLE;
GRANT anon, authenticated, service_role TO authenticator;
GRANT anon, authenticated, service_role TO "my-admin" WITH ADMIN OPTION;
CREATE SCHEMA auth AUTHORIZATION supabase_auth_admin;
CREATE TABLE auth.users (id bigint PRIMARY KEY);
ALTER TABLE auth.users OWNER TO supabase_auth_admin;
CREATE FUNCTION public.platform_watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
ALTER FUNCTION public.platform_watch() OWNER TO supabase_admin;
CREATE EVENT TRIGGER platform_watch ON ddl_command_end EXECUTE FUNCTION public.platform_watch();
ALTER EVENT TRIGGER platform_watch OWNER TO supabase_admin;
ALTER DATABASE mydb OWNER TO "my-admin";
ALTER ROLE "my-admin" NOSUPERUSER CREATEROLE CREATEDB REPLICATION BYPASSRLS;
