-- One row: what all databases share, in one statement, so in one snapshot: facts.sql, and for each of
-- the others an array of its rows.
SELECT
    f.*,
    :identifier: AS identifier,
    ARRAY(SELECT x FROM (
        :settings:
    ) AS x) AS settings,
    ARRAY(SELECT x FROM (
        :roles:
    ) AS x) AS roles,
    ARRAY(SELECT x FROM (
        :objects:
    ) AS x) AS objects,
    ARRAY(SELECT x FROM (
        :memberships:
    ) AS x) AS memberships,
    ARRAY(SELECT x FROM (
        :file_routines:
    ) AS x) AS file_routines
FROM (
    :facts:
) AS f
