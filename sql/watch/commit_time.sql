-- One row: when the transaction $1 (an xmin) committed, if the server keeps such times.
SELECT CASE WHEN pg_catalog.current_setting('track_commit_timestamp') = 'on'
    THEN pg_catalog.pg_xact_commit_timestamp($1::pg_catalog.text::pg_catalog.xid) END;
