-- The function; its triggers are gone already.
DROP ROUTINE IF EXISTS postgregent.record_change();
