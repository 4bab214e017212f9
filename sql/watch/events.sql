-- One row is one recorded command, oldest first; one row with a NULL id when there is none.
-- "written_by" is the (sub)transaction that wrote the row: the last one of the recorded transaction
-- that the command can have used. "overflow" is how many commands ever found the table full.
SELECT e.id, e.at, e.xid::pg_catalog.text::pg_catalog.int8 AS xid, e.xmin AS written_by,
    e.command_tag, e.object_type,
    (SELECT c.relname FROM pg_catalog.pg_class AS c WHERE c.oid = e.classid) AS catalog, e.objid, e.in_extension,
    e.session_user_name AS session_user, e.role, e.pid, e.application_name,
    pg_catalog.host(e.client_addr) AS client, e.backend_type, o.overflow
FROM (
    SELECT coalesce(pg_catalog.pg_sequence_last_value('postgregent.event_overflow'), 0) AS overflow
) AS o
LEFT JOIN (
    SELECT r.xmin, r.* FROM postgregent.event AS r ORDER BY r.id LIMIT $1
) AS e ON true
ORDER BY e.id;
