-- Two objects of each kind in the flights database, beside those that it has: run as a superuser.
-- `own_1` and `own_2` are schemas that Roles own, with what stands in them; `stranger` is nobody's.
CREATE ROLE stranger;
SET ROLE app_owner;
CREATE TYPE schema1.mood AS ENUM ('calm');
CREATE DOMAIN schema1.miles AS integer;
CREATE TYPE schema2.pair AS (a integer, b integer);
CREATE FUNCTION schema1.flight_count(integer) RETURNS bigint LANGUAGE sql STABLE
    AS 'SELECT 1::pg_catalog.int8';
CREATE PROCEDURE schema2.tidy() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE schema2.total(integer) (SFUNC = pg_catalog.int4pl, STYPE = integer);
CREATE SCHEMA own_1;
CREATE TABLE own_1.stock (item text);
CREATE SEQUENCE own_1.counter;
CREATE TYPE own_1.colour AS ENUM ('red');
CREATE SCHEMA own_2;
CREATE TABLE own_2.stock (item text);
GRANT USAGE ON SCHEMA schema1, schema2, own_1, own_2 TO stranger;
SELECT pg_catalog.lo_create(50001), pg_catalog.lo_create(50002);
RESET ROLE;
CREATE TRUSTED LANGUAGE lang_a HANDLER plpgsql_call_handler;
CREATE TRUSTED LANGUAGE lang_b HANDLER plpgsql_call_handler;
CREATE FOREIGN DATA WRAPPER wrap_a;
CREATE FOREIGN DATA WRAPPER wrap_b;
CREATE SERVER far_a FOREIGN DATA WRAPPER wrap_a;
CREATE SERVER far_b FOREIGN DATA WRAPPER wrap_b;
