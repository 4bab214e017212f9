-- No row: migration $1 has run.
INSERT INTO postgregent.migrations (number) VALUES ($1)
