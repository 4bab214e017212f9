-- What can change a local privilege, or what a pattern matches: the tags are those of
-- regent/kinds.py. DROP is in sql_drop.
-- ENABLE ALWAYS: session_replication_role = replica would skip a plain trigger.
CREATE EVENT TRIGGER postgregent_change ON ddl_command_end
    WHEN TAG IN (:tags:)
    EXECUTE FUNCTION postgregent.record_change();
ALTER EVENT TRIGGER postgregent_change ENABLE ALWAYS;
CREATE EVENT TRIGGER postgregent_drop ON sql_drop
    EXECUTE FUNCTION postgregent.record_change();
ALTER EVENT TRIGGER postgregent_drop ENABLE ALWAYS;
