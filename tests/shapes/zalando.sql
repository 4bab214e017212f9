-- The Zalando operator: a role of the manifest gets the flags that its list names, and no membership;
-- the superuser's password is in a Secret.
-- https://opensource.zalando.com/postgres-operator/docs/user.html
CREATE ROLE standby LOGIN REPLICATION;
CREATE ROLE pooler LOGIN;
CREATE ROLE robot_zmon NOLOGIN;
ALTER ROLE "my-admin" NOSUPERUSER CREATEROLE CREATEDB;
