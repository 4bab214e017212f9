-- What is there before: the application's own objects, and a role from the time before PostgRegent.
-- Run it in the database `shop`, as a superuser.
CREATE ROLE shop_app;
CREATE ROLE "shop-legacy" LOGIN;
CREATE SCHEMA orders AUTHORIZATION shop_app;
CREATE SCHEMA stock AUTHORIZATION shop_app;
SET ROLE shop_app;
CREATE TABLE orders.purchases (id serial PRIMARY KEY, note text, placed_at timestamptz);
CREATE TABLE orders.customers (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
CREATE SEQUENCE orders.invoice_numbers;
CREATE TYPE orders.state AS ENUM ('open', 'paid');
CREATE DOMAIN orders.amount AS numeric CHECK (value >= 0);
CREATE FUNCTION orders.price(integer) RETURNS numeric LANGUAGE sql AS 'SELECT 1.0';
CREATE PROCEDURE orders.tidy_up() LANGUAGE sql AS 'SELECT 1';
CREATE TABLE stock.items (item text PRIMARY KEY, amount integer);
SELECT lo_create(424242);
RESET ROLE;
CREATE FOREIGN DATA WRAPPER warehouse_wrapper;
CREATE SERVER warehouse_north FOREIGN DATA WRAPPER warehouse_wrapper;
