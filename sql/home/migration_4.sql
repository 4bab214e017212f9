-- No row: the correction of a role can be paused (rule 26, ADR 45). Run once, as the owner role, in
-- one transaction. The functions are for members of the owner role; each Regent wakes by them.

-- One row: one role that is corrected by nobody until then, by its oid. What is over is cleared away
-- by the next call.
CREATE TABLE postgregent.pauses (
    role_oid oid PRIMARY KEY,
    role text NOT NULL,
    until timestamptz NOT NULL,
    reason text NOT NULL,
    paused_by text NOT NULL,
    paused_at timestamptz NOT NULL
);

CREATE FUNCTION postgregent.pause(role text, for_long interval, reason text)
RETURNS timestamptz LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    oid_of_role oid := (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = pause.role);
    begins timestamptz := pg_catalog.clock_timestamp();
    -- In UTC, where each day has 24 hours: 7 days are the same in every session.
    ends timestamptz := (begins AT TIME ZONE 'UTC' + pause.for_long) AT TIME ZONE 'UTC';
BEGIN
    IF oid_of_role IS NULL THEN
        RAISE EXCEPTION 'There is no role %, so it cannot be paused.', coalesce(pause.role, 'NULL')
            USING ERRCODE = 'undefined_object',
            HINT = 'Name it as pg_roles has it: SELECT rolname FROM pg_roles;';
    END IF;
    -- The end itself is checked: as intervals compare, a month has 30 days, and may be made up for
    -- by negative ones.
    IF ends IS NULL OR ends <= begins OR ends > begins + '168 hours' THEN
        RAISE EXCEPTION 'A pause of % is not possible.', coalesce(pause.for_long::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Give more than nothing and at most 7 days, as in ''30 minutes''.';
    END IF;
    IF pause.reason IS NULL OR pg_catalog.btrim(pause.reason) = '' OR pg_catalog.length(pause.reason) > 200
        OR pause.reason ~ '[[:cntrl:]]' THEN
        RAISE EXCEPTION 'A pause needs a reason: one line of at most 200 characters.'
            USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Say what is done by hand meanwhile, for whoever reads the status.';
    END IF;
    DELETE FROM postgregent.pauses AS p WHERE p.until <= begins;
    INSERT INTO postgregent.pauses AS p (role_oid, role, until, reason, paused_by, paused_at)
    VALUES (oid_of_role, pause.role, ends, pg_catalog.btrim(pause.reason), SESSION_USER, begins)
    ON CONFLICT (role_oid) DO UPDATE
    SET role = excluded.role, until = excluded.until, reason = excluded.reason,
        paused_by = excluded.paused_by, paused_at = excluded.paused_at;
    PERFORM pg_catalog.pg_notify('postgregent', 'pause');
    RETURN ends;
END
$$;

CREATE FUNCTION postgregent.resume(role text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    was_paused boolean;
BEGIN
    DELETE FROM postgregent.pauses AS p WHERE p.until <= pg_catalog.clock_timestamp();
    DELETE FROM postgregent.pauses AS p
    WHERE p.role_oid = (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = resume.role)
        OR (
            p.role = resume.role
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.oid = p.role_oid)
        );
    was_paused := FOUND;
    PERFORM pg_catalog.pg_notify('postgregent', 'resume');
    RETURN was_paused;
END
$$;

REVOKE ALL ON FUNCTION postgregent.pause(text, interval, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION postgregent.resume(text) FROM PUBLIC;
