-- How often the judge failed. A sequence: counting neither waits, nor is undone with the command.
CREATE :unlogged: SEQUENCE postgregent.not_judged;
-- The transaction that was judged last, and its last command that was: 31 and 32 bits.
CREATE :unlogged: SEQUENCE postgregent.judged_until MINVALUE 0;
