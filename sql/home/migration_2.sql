-- No row: what a leaver owned is remembered while it is handed on (rule 27). Run once, as the owner
-- role, in one transaction.

-- One row: one object that a role owned at its end, which its resource's deletion (ended_at) began.
CREATE TABLE postgregent.belongings (
    role_oid oid NOT NULL,
    ended_at timestamptz NOT NULL,
    database oid NOT NULL,
    catalog oid NOT NULL,
    object oid NOT NULL,
    PRIMARY KEY (role_oid, database, catalog, object)
);
