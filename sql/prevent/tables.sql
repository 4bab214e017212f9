-- What the judge (sql/prevent/refuse_change.sql) compares with: what was in force at the end of the
-- Regent's last full pass, and whom it may judge. Nobody but the admin writes it.
-- UNLOGGED: no WAL, nothing to replicate, and empty after a crash, when nothing is judged.
-- pg_database_owner may read it: a dump by the owner locks and copies every table.
CREATE UNLOGGED TABLE postgregent.guard (
    is_it boolean PRIMARY KEY DEFAULT true CHECK (is_it),
    database oid NOT NULL,
    home name NOT NULL,
    lock_key bigint NOT NULL,
    contents text NOT NULL
);
CREATE UNLOGGED TABLE postgregent.declared_role (
    role oid PRIMARY KEY,
    declared_by text NOT NULL
);
CREATE UNLOGGED TABLE postgregent.declared (
    classid oid NOT NULL,
    objid oid NOT NULL,
    objsubid integer NOT NULL,
    owner oid NOT NULL,
    columns smallint NOT NULL,
    edges bigint NOT NULL,
    PRIMARY KEY (objid, classid, objsubid)
);
CREATE UNLOGGED TABLE postgregent.declared_edge (
    edges bigint NOT NULL,
    grantee oid NOT NULL,
    privilege text NOT NULL,
    is_grantable boolean NOT NULL,
    declared_by text NOT NULL,
    PRIMARY KEY (edges, grantee, privilege)
);
