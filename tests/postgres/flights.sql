-- The small flights database that every test gets a copy of, made as its owner app_owner:
-- two schemas, each kind of table-like thing, and the three ways to number rows.
CREATE SCHEMA schema1;
CREATE SCHEMA schema2;

CREATE TABLE schema1.flights (
    flight_id serial PRIMARY KEY,
    origin text NOT NULL,
    destination text NOT NULL,
    departs_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    passenger_notes text
);
CREATE TABLE schema1.airports (
    airport_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL UNIQUE
);
CREATE TABLE schema1.bookings (
    booking_id bigint NOT NULL,
    flight_id integer NOT NULL,
    booked_on date NOT NULL
) PARTITION BY RANGE (booked_on);
CREATE TABLE schema1.bookings_2025 PARTITION OF schema1.bookings
    FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE schema1.bookings_2026 PARTITION OF schema1.bookings
    FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE SEQUENCE schema1.ticket_numbers;
CREATE VIEW schema1.departures AS
    SELECT flight_id, origin, departs_at FROM schema1.flights;
CREATE MATERIALIZED VIEW schema1.routes AS
    SELECT origin, destination, pg_catalog.count(*) AS flights
    FROM schema1.flights GROUP BY origin, destination;
CREATE FUNCTION schema1.flight_count() RETURNS bigint LANGUAGE sql STABLE
    AS 'SELECT pg_catalog.count(*) FROM schema1.flights';

CREATE TABLE schema2.crews (crew_id serial PRIMARY KEY, flight_id integer, captain text);
CREATE TABLE schema2.audit_log (entry_id bigserial PRIMARY KEY, entry text);
CREATE TABLE public.notes (note text);

INSERT INTO schema1.flights (origin, destination) VALUES ('AMS', 'LIS'), ('LIS', 'OPO');
INSERT INTO schema1.airports (code) VALUES ('AMS'), ('LIS'), ('OPO');
INSERT INTO schema1.bookings VALUES (1, 1, '2025-06-01'), (2, 2, '2026-06-01');
REFRESH MATERIALIZED VIEW schema1.routes;
