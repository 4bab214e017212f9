-- One row: another Regent than $1 that still remembers something here.
SELECT r.regent FROM postgregent.regents AS r WHERE r.regent <> $1
UNION
SELECT m.regent FROM postgregent.marks AS m WHERE m.regent <> $1 AND NOT m.released
ORDER BY 1
