-- One row: the number of the last migration that ran here; 0 before the first.
SELECT coalesce(max(m.number), 0) AS number FROM postgregent.migrations AS m
