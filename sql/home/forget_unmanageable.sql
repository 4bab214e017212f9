-- No row: one Regent ($1) tries everything again, or only the digests in $2 when it is not NULL.
DELETE FROM postgregent.unmanageable AS u
WHERE u.regent = $1 AND ($2::text[] IS NULL OR u.digest = ANY ($2::text[]))
