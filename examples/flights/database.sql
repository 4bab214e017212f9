-- A small flights database for `make demo`: two schemas and a few tables, owned by the admin.
CREATE SCHEMA schema1;
CREATE SCHEMA schema2;
CREATE TABLE schema1.flights (
    flight_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin text NOT NULL,
    destination text NOT NULL
);
CREATE TABLE schema1.airports (code text PRIMARY KEY, name text NOT NULL);
CREATE TABLE schema2.crews (crew_id serial PRIMARY KEY, captain text NOT NULL);
CREATE TABLE public.salaries (captain text PRIMARY KEY, monthly numeric NOT NULL);
INSERT INTO schema1.airports VALUES ('AMS', 'Schiphol'), ('LIS', 'Humberto Delgado');
INSERT INTO schema1.flights (origin, destination) VALUES ('AMS', 'LIS'), ('LIS', 'AMS');
INSERT INTO schema2.crews (captain) VALUES ('Ada'), ('Grace');
INSERT INTO public.salaries VALUES ('Ada', 1), ('Grace', 1);
