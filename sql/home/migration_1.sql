-- No row: what a Regent remembers (rule 5). Run once, as the owner role, in one transaction.
-- Every table is shared by all Regents of the server; `regent` says whose row it is.
CREATE SCHEMA postgregent;

CREATE TABLE postgregent.migrations (
    number integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);

-- One row: one Regent. accepted holds SCRAM verifiers, so only members of the owner read here.
CREATE TABLE postgregent.regents (
    regent text PRIMARY KEY,
    accepted jsonb,
    brake jsonb,
    system_identifier text,
    origin text,
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);

-- One row: one role that a Regent manages, or managed and released.
CREATE TABLE postgregent.marks (
    role text PRIMARY KEY,
    regent text NOT NULL,
    holder text NOT NULL,
    origin text NOT NULL CHECK (origin IN ('created', 'adopted')),
    role_oid oid NOT NULL,
    released boolean NOT NULL DEFAULT false,
    verifier_digest text NOT NULL DEFAULT ''
);

-- One row: one drift, newest last.
CREATE TABLE postgregent.history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    regent text NOT NULL,
    is_outstanding boolean NOT NULL,
    drift jsonb NOT NULL
);
CREATE INDEX history_regent ON postgregent.history (regent, id);
CREATE INDEX history_outstanding ON postgregent.history (regent, id) WHERE is_outstanding;

-- One row: one thing the server refused for good, by its digest.
CREATE TABLE postgregent.unmanageable (
    regent text NOT NULL,
    digest text NOT NULL,
    sqlstate text NOT NULL,
    message text NOT NULL,
    found_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (regent, digest)
);
