-- One row: a replication slot. `database` and `plugin` are those of a logical one.
SELECT s.slot_name::text AS name, s.slot_type AS type, coalesce(s.plugin::text, '') AS plugin,
       coalesce(s.database::text, '') AS database, s.active AS is_active
FROM pg_catalog.pg_replication_slots AS s
ORDER BY s.slot_name
