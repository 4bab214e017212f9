"""The admin of another Regent on the same server is nobody's role to declare (rules 6 and 9)."""

from __future__ import annotations

from typing import Any

import pytest

from shared import scram
from tests.integration.facts.once import all_ready, applied, outcome
from tests.postgres.database import Database

pytestmark = pytest.mark.every_version

KEEPER = "User/keeper: {database: mydb}\n"
TAKEN = (
    KEEPER + "User/admin2: {database: mydb, adopt: true, passwordSecretRef: {name: s, key: k}}\n"
)
NO_BRAKE: dict[str, Any] = {"regent": {"brake": "Disabled", "allow": {"adopt": ["admin2"]}}}
STANDS = """
SELECT rolcreaterole AND rolcreatedb AND pg_has_role('admin2', 'postgregent_owner', 'MEMBER')
FROM pg_roles WHERE rolname = 'admin2'
"""


def password() -> dict[str, Any]:
    """What the attacker wrote into the Secret."""
    return {"passwords": {"User/admin2": {"verifier": scram.build("mine").value}}}


async def second_admin(database: Database) -> None:
    """As an administrator makes it for a second Regent."""
    await applied(database, KEEPER)
    await database.execute(
        "CREATE ROLE admin2 LOGIN CREATEROLE CREATEDB PASSWORD 'a2'; GRANT postgregent_owner TO"
        " admin2",
        "postgres",
    )


@pytest.mark.found("E57")
@pytest.mark.rule("9")
async def test_the_admin_of_another_regent_is_not_adopted(database: Database) -> None:
    """Seen on 15 and 18: its attributes went, and its password was the author's."""
    await second_admin(database)
    report = await applied(database, TAKEN, 2, **NO_BRAKE, **password())
    said = outcome(report, "User/admin2")
    assert said.reason == "NotAllowed"
    assert "admin of a Regent" in said.message
    assert report.results == ()
    assert await (await database.connect()).fetchval(STANDS)
    assert await (await database.connect("admin2", "a2")).fetchval("SELECT true")


@pytest.mark.found("E57")
@pytest.mark.rule("9")
async def test_what_another_regents_admin_is_a_member_of_is_left_alone(database: Database) -> None:
    """It holds the ADMIN option of the roles that it made, also where ours are told otherwise."""
    await second_admin(database)
    await applied(database, KEEPER + "Role/crew: {database: mydb}", 2)
    await database.execute("GRANT crew TO admin2 WITH ADMIN OPTION", "postgres")
    report = await applied(database, KEEPER + "Role/crew: {database: mydb}", 3)
    assert all_ready(report)
    look = await database.connect()
    assert await look.fetchval("SELECT pg_has_role('admin2', 'crew', 'MEMBER')")


@pytest.mark.found("E57")
@pytest.mark.rule("8", "10")
async def test_a_role_that_was_an_admin_is_adopted_when_it_is_none_any_more(
    database: Database,
) -> None:
    """The twin; and a role of ours does not leave our authority by becoming an admin."""
    await second_admin(database)
    await database.execute("REVOKE postgregent_owner FROM admin2", "postgres")
    report = await applied(database, TAKEN, 2, **NO_BRAKE, **password())
    assert all_ready(report), report.outcomes
    await database.execute("GRANT postgregent_owner TO admin2", "postgres")
    report = await applied(database, TAKEN, 3, **NO_BRAKE, **password())
    assert all_ready(report), report.outcomes
    look = await database.connect()
    assert not await look.fetchval("SELECT pg_has_role('admin2', 'postgregent_owner', 'MEMBER')")
