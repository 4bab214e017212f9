-- One row: whether the session got the advisory key $1 until its transaction ends.
SELECT pg_catalog.pg_try_advisory_xact_lock($1) AS taken
