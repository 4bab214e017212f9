"""What falls with a loss is given again first: not while that loss waits (rule 20)."""

from __future__ import annotations

import pytest

from regent.changes import GrantMembership, GrantPrivileges
from regent.one_shot import apply_once, plan_once
from shared.consent import Consent
from tests.declared import state
from tests.integration.facts.once import all_ready, applied, is_settled
from tests.postgres.database import Database
from tests.settings import settings_for

LISTS_NOBODY = "Role/other: {database: mydb}"
ADOPTION = f"User/frank: {{database: mydb, adopt: true}}\n{LISTS_NOBODY}"
GIVEN_ON = """
CREATE ROLE frank LOGIN CREATEDB CREATEROLE;
CREATE ROLE eve LOGIN;
GRANT USAGE ON SCHEMA schema1 TO frank;
GRANT SELECT ON schema1.flights TO frank WITH GRANT OPTION;
GRANT INSERT, UPDATE, DELETE ON schema1.flights TO frank;
SET ROLE frank;
GRANT SELECT ON schema1.flights TO eve
"""
TO_EVE = """
SELECT array_agg(a.grantor::regrole::text ORDER BY a.grantor)
FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
WHERE c.oid = 'schema1.flights'::regclass AND a.grantee = 'eve'::regrole
"""
COLUMNS_TO_EVE = """
SELECT array_agg(a.grantor::regrole::text ORDER BY a.grantor)
FROM pg_attribute AS c CROSS JOIN LATERAL aclexplode(c.attacl) AS a
WHERE c.attrelid = 'schema1.flights'::regclass AND a.grantee = 'eve'::regrole
"""
IN_STAFF = """
SELECT array_agg(m.grantor::regrole::text) FROM pg_auth_members AS m
WHERE m.roleid = 'staff'::regrole AND m.member = 'eve'::regrole
"""


@pytest.mark.found("E76")
@pytest.mark.rule("20")
@pytest.mark.every_version
async def test_a_withheld_adoption_gives_nothing_to_a_role_that_nobody_declares(
    database: Database,
) -> None:
    """Else eve has the owner's own grant for ever, although frank's adoption is withdrawn."""
    await database.execute(GIVEN_ON, "postgres")
    planned = await plan_once(settings_for(database), state(ADOPTION))
    assert planned.brake is not None
    assert not [one for one in planned.to_do if isinstance(one, GrantPrivileges)]
    assert [one.grantees for one in planned.waiting if isinstance(one, GrantPrivileges)] == [
        ("eve",)
    ]
    look = await database.connect()
    for revision, text in ((1, ADOPTION), (2, ADOPTION), (3, LISTS_NOBODY)):
        await applied(database, text, revision)
        assert await look.fetchval(TO_EVE) == ["frank"], text
    assert await is_settled(database, LISTS_NOBODY, 3)


@pytest.mark.found("E76")
@pytest.mark.rule("20", "22")
@pytest.mark.every_version
async def test_a_released_adoption_leaves_others_what_they_had_through_it(
    database: Database,
) -> None:
    """The twin: the owner gives it to eve in place of frank, and she is never without."""
    await database.execute(GIVEN_ON, "postgres")
    first = await apply_once(settings_for(database), state(ADOPTION))
    assert first.brake is not None
    done = await apply_once(
        settings_for(database), state(ADOPTION), consents=[Consent("Brake", first.brake.digest)]
    )
    assert all_ready(done), done.outcomes
    look = await database.connect()
    assert await look.fetchval(TO_EVE) == [database.owner]
    assert await is_settled(database, ADOPTION, 1)


@pytest.mark.found("E76")
@pytest.mark.rule("20")
async def test_a_withheld_deletion_gives_nothing_again(database: Database) -> None:
    """Privileges on tables, and on columns, that a leaver gave on, wait with the leaver's end."""
    write = "{database: mydb, schemas: [schema1], tables: [flights], actions: [SELECT, INSERT]}"
    text = f"Permission/write: {write}\nUser/frank: {{database: mydb, permissions: [write]}}"
    await database.execute("CREATE ROLE eve LOGIN")
    assert all_ready(await applied(database, text))
    await database.execute(
        "GRANT SELECT ON schema1.flights TO frank WITH GRANT OPTION;"
        "GRANT SELECT (flight_id) ON schema1.flights TO frank WITH GRANT OPTION;"
        "SET ROLE frank; GRANT SELECT ON schema1.flights TO eve;"
        "GRANT SELECT (flight_id) ON schema1.flights TO eve",
        "postgres",
    )
    gone = await applied(database, LISTS_NOBODY, 2, deleted=("User/default/frank",))
    assert gone.brake is not None
    assert "the last role with LOGIN" in gone.why_withheld
    look = await database.connect()
    assert await look.fetchval(TO_EVE) == ["frank"]
    assert await look.fetchval(COLUMNS_TO_EVE) == ["frank"]
    await applied(database, LISTS_NOBODY, 2, release=gone.brake.digest)
    assert await look.fetchval(TO_EVE) == [database.owner]
    assert await look.fetchval(COLUMNS_TO_EVE) == [database.owner]


@pytest.mark.found("E76")
@pytest.mark.rule("20")
@pytest.mark.versions(16, 17, 18)
async def test_a_withheld_adoption_puts_nobody_into_a_group_again(database: Database) -> None:
    """Frank had put eve into a group that is not managed either, by his ADMIN option over it."""
    await database.execute(
        "CREATE ROLE frank LOGIN CREATEDB CREATEROLE; CREATE ROLE eve LOGIN; CREATE ROLE staff;"
        "GRANT staff TO frank WITH ADMIN OPTION; GRANT pg_monitor, pg_read_all_data TO frank;"
        "GRANT pg_signal_backend TO frank; GRANT staff TO eve GRANTED BY frank",
        "postgres",
    )
    planned = await plan_once(settings_for(database), state(ADOPTION))
    assert [one.member for one in planned.waiting if isinstance(one, GrantMembership)] == ["eve"]
    assert not [one for one in planned.to_do if isinstance(one, GrantMembership)]
    look = await database.connect()
    first = await applied(database, ADOPTION)
    assert first.brake is not None
    assert await look.fetchval(IN_STAFF) == ["frank"]
    await applied(database, ADOPTION, release=first.brake.digest)
    granted: list[str] = await look.fetchval(IN_STAFF)
    assert len(granted) == 1
    assert granted != ["frank"]
