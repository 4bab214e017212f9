-- One row is one command that changed local objects, in a transaction that has committed.
-- UNLOGGED: no WAL, nothing to replicate, empty after a crash (then a full pass finds everything).
-- backend_type is NULL for a client's session, and else which process of the server's it was.
-- The text of the statement is never kept: it may hold a password.
CREATE UNLOGGED TABLE postgregent.event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    xid xid8 NOT NULL,
    command_tag text NOT NULL,
    object_type text,
    classid oid,
    objid oid,
    in_extension boolean NOT NULL,
    session_user_name name NOT NULL,
    role name,
    pid integer NOT NULL,
    application_name text NOT NULL,
    client_addr inet,
    backend_type text
);
CREATE INDEX event_xid ON postgregent.event (xid);
GRANT SELECT ON postgregent.event TO pg_database_owner;
