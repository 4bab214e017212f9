-- The event table and its sequences. What is in them is only a hint, and can be lost.
DROP TABLE IF EXISTS postgregent.event;
DROP SEQUENCE IF EXISTS postgregent.event_taken;
DROP SEQUENCE IF EXISTS postgregent.event_overflow;
