-- Nothing else has changed: the judge goes with the lock $2 in the home database $1 from now on.
UPDATE postgregent.guard SET home = $1::name, lock_key = $2::bigint
