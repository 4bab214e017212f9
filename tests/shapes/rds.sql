-- Amazon RDS and Aurora: the master user is in rds_superuser, and made the application's owner.
-- https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.rds_superuser.html
-- https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.rds_superuser.html
CREATE ROLE rdsadmin LOGIN SUPERUSER REPLICATION;
CREATE ROLE rds_password NOLOGIN;
CREATE ROLE rds_replication NOLOGIN;
CREATE ROLE rds_iam NOLOGIN;
CREATE ROLE rds_superuser NOLOGIN;
GRANT pg_monitor, pg_signal_backend, rds_password, rds_replication TO rds_superuser WITH ADMIN OPTION;
ALTER ROLE "my-admin" NOSUPERUSER CREATEROLE CREATEDB NOREPLICATION VALID UNTIL 'infinity';
GRANT rds_superuser TO "my-admin";
