-- No row: no role is paused any more. On another server their oids would be those of others.
DELETE FROM postgregent.pauses
