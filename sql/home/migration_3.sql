-- No row: roles that nobody declares are remembered (rule 11). Run once, as the owner role, in one
-- transaction. `unmanaged_since` is when a Regent looked for them first.
ALTER TABLE postgregent.regents ADD COLUMN unmanaged_since timestamptz;

-- One row: one role that a Regent found and that nobody declares; with disabled_at the Regent took
-- its LOGIN, and gives it back.
CREATE TABLE postgregent.unmanaged (
    regent text NOT NULL,
    role_oid oid NOT NULL,
    role text NOT NULL,
    appeared_at timestamptz,
    actor jsonb,
    disabled_at timestamptz,
    PRIMARY KEY (regent, role_oid)
);
