-- One row: an event trigger of this database, whose it is, and whether it ever fires.
SELECT t.evtname::text AS name, pg_catalog.pg_get_userbyid(t.evtowner)::text AS owner,
       t.evtevent::text AS event, t.evtenabled <> 'D' AS is_enabled
FROM pg_catalog.pg_event_trigger AS t
ORDER BY t.evtname
