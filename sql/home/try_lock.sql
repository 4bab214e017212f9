-- One row: whether the session got the advisory key $1 for as long as it lives.
SELECT pg_catalog.pg_try_advisory_lock($1) AS taken
