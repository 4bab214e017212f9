-- One row, nothing in it: waits until no other Regent changes the tables here. $1 is the key.
SELECT pg_catalog.pg_advisory_xact_lock($1)
