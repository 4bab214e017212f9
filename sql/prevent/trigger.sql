-- After postgregent_change by its name: what it refuses was never recorded.
-- ENABLE ALWAYS: session_replication_role = replica would skip a plain trigger.
CREATE EVENT TRIGGER postgregent_prevent ON ddl_command_end
    WHEN TAG IN ('CREATE SCHEMA', 'DROP OWNED', 'GRANT', 'REVOKE')
    EXECUTE FUNCTION postgregent.refuse_change();
ALTER EVENT TRIGGER postgregent_prevent ENABLE ALWAYS;
