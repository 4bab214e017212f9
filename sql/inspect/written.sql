-- Ends the statement that reading.sql continues: arrays of texts in one text each, as they are written
-- in SQL. The client reads thousands of names in one piece, and not one by one.
)
SELECT p.part, p.form, p.schema, p.owner, p.acl, p.is_system, p.names::text AS names, p.oids, p.others,
       p.arguments::text AS arguments
FROM piece AS p
