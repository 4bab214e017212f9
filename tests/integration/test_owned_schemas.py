"""Schemas that a Role or User owns: made, given, kept, and never lost by a mistake (ADR 36)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from regent.changes import PrivilegeChange
from tests.daemons import running
from tests.declared import state
from tests.eventually import eventually
from tests.integration.facts.once import all_ready, applied, demote, is_settled, outcome
from tests.integration.until import cleared
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = [pytest.mark.every_version, pytest.mark.slow_versions(14, 16, 17)]

OWNER = "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = $1"
TAKES = {"allow": {"ownedSchemas": ["schema1"]}}
OWNS = "Role/keeper: {database: mydb, owns: {schemas: [{name: s1, create: true}, {name: schema1}]}}"
READS = """
Permission/use: {database: mydb, schemas: [schema1], actions: [USAGE]}
Permission/make: {database: mydb, schemas: [schema1], actions: [CREATE]}
"""


async def owner_of(database: Database, schema: str) -> str:
    look = await database.connect()
    return str(await look.fetchval(OWNER, schema))


async def test_a_schema_is_made_and_another_is_taken_and_both_are_kept(database: Database) -> None:
    """A role declares both; the plan says what the former owner loses, and then is empty."""
    report = await applied(database, OWNS, regent=TAKES)
    assert all_ready(report), report.outcomes
    assert await owner_of(database, "s1") == "keeper"
    assert await owner_of(database, "schema1") == "keeper"
    assert await is_settled(database, OWNS, 2, regent=TAKES)
    await database.execute(
        "ALTER SCHEMA s1 OWNER TO app_owner; ALTER SCHEMA schema1 OWNER TO app_owner", "postgres"
    )
    report = await applied(database, OWNS, 2, regent={"allow": {"ownedSchemas": ["s*"]}})
    assert all_ready(report), report.outcomes
    assert await owner_of(database, "s1") == "keeper"
    assert await owner_of(database, "schema1") == "keeper"
    assert await is_settled(database, OWNS, 3, regent={"allow": {"ownedSchemas": ["s*"]}})
    report = await applied(database, "Role/keeper: {database: mydb}", 3)
    assert not report.plan.changes
    assert "they stay its own" in " ".join(outcome(report, "Role/keeper").notes)
    assert await owner_of(database, "s1") == "keeper"


async def test_who_owned_it_keeps_what_is_declared_and_who_owns_it_is_not_taken_from(
    database: Database,
) -> None:
    """In the one transaction that moves it: nothing that both states hold is ever away."""
    before = READS + (
        "Role/first: {database: mydb, permissions: [use], owns: {schemas: [{name: schema1}]}}\n"
        "Role/second: {database: mydb, permissions: [make]}"
    )
    assert all_ready(await applied(database, before, regent=TAKES))
    assert await is_settled(database, before, 2, regent=TAKES)
    after = READS + (
        "Role/first: {database: mydb, permissions: [use]}\n"
        "Role/second: {database: mydb, owns: {schemas: [{name: schema1}]}}"
    )
    report = await applied(database, after, 2, regent=TAKES)
    assert all_ready(report), report.outcomes
    assert await owner_of(database, "schema1") == "second"
    look = await database.connect()
    rights = "SELECT has_schema_privilege($1, 'schema1', $2)"
    assert [await look.fetchval(rights, "first", p) for p in ("USAGE", "CREATE")] == [True, False]
    assert [await look.fetchval(rights, "second", p) for p in ("USAGE", "CREATE")] == [True, True]
    assert await is_settled(database, after, 3, regent=TAKES)


@pytest.mark.rule("21")
async def test_what_the_admin_may_not_do_says_the_statement_that_helps(database: Database) -> None:
    """It settles, and hides nothing else; with that statement it is done."""
    await applied(database, "Role/keeper: {database: mydb}")
    await demote(database)
    await database.execute('REVOKE keeper FROM "my-admin"', "postgres")
    report = await applied(database, OWNS, 2, regent=TAKES)
    said = outcome(report, "Role/keeper")
    assert said.state != "Ready"
    assert "42501" in said.message
    assert await owner_of(database, "schema1") == "app_owner"
    for statement in said.message.partition("let the admin do it: ")[2].split(";")[:2]:
        await database.execute(statement, "postgres")
    await database.execute('GRANT app_owner, keeper TO "my-admin"', "postgres")
    report = await applied(database, OWNS, 3, regent=TAKES)
    assert all_ready(report), report.outcomes
    assert await owner_of(database, "schema1") == "keeper"
    assert await owner_of(database, "s1") == "keeper"
    assert await is_settled(database, OWNS, 4, regent=TAKES)


@pytest.mark.found("E199")
@pytest.mark.rule("16", "21")
@pytest.mark.parametrize("why", ["refused", "withheld"])
async def test_who_does_not_get_a_schema_yet_gets_what_is_declared_in_it(
    database: Database, why: str
) -> None:
    """Seen: the owner's rights were taken for granted, so who was to own it had none at all."""
    before = READS + "Role/keeper: {database: mydb}\nRole/guest: {database: mydb}\n"
    await applied(database, before)
    rules: dict[str, Any] = {**TAKES, "brake": {"minimum": 1, "percent": 0}}
    if why == "refused":
        rules = {**TAKES, "brake": "Disabled"}
        await demote(database)
        rights = 'GRANT app_owner TO "my-admin"; REVOKE keeper FROM "my-admin"'
        await database.execute(rights, "postgres")
    after = before.replace("keeper: {", "keeper: {permissions: [use], OWNS, ")
    after = after.replace("guest: {", "guest: {permissions: [use, make], ")
    after = after.replace("OWNS", "owns: {schemas: [{name: schema1}]}")
    report = await applied(database, after, 2, regent=rules)
    assert not outcome(report, "Role/keeper").is_ready
    assert outcome(report, "Role/guest").is_ready
    assert await owner_of(database, "schema1") == "app_owner"
    look = await database.connect()
    acl = "SELECT a.grantor::regrole::text, a.grantee::regrole::text, a.privilege_type"
    acl += " FROM pg_namespace AS n, aclexplode(n.nspacl) AS a WHERE nspname = 'schema1'"
    acl += " AND a.grantee IN ('keeper'::regrole, 'guest'::regrole)"
    whom = [("guest", "CREATE"), ("guest", "USAGE"), ("keeper", "USAGE")]
    found = sorted(tuple(row) for row in await look.fetch(acl))
    assert found == [("app_owner", *one) for one in whom]
    again = await applied(database, after, 2, regent=rules)
    assert not [one for one in again.plan.changes if isinstance(one, PrivilegeChange)]
    if why == "refused":
        await database.execute('GRANT keeper TO "my-admin"', "postgres")
        again = await applied(database, after, 3, regent=rules)
    else:
        assert report.brake is not None
        again = await applied(database, after, 2, regent=rules, release=report.brake.digest)
    assert await owner_of(database, "schema1") == "keeper"
    again = await applied(database, after, 4, regent=rules)
    assert all_ready(again), again.outcomes
    assert not again.plan.changes


@pytest.mark.rule("30")
async def test_who_gives_it_away_is_told_and_it_is_given_back(
    database: Database, tmp_path: Path
) -> None:
    """ALTER SCHEMA names its object, so it is recorded who it was; one that is dropped is made."""
    look = await database.connect()
    await look.execute("CREATE ROLE alice LOGIN SUPERUSER PASSWORD 'told'")
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(OWNS, regent=TAKES))
        await regent.settled(1)
        await cleared(look)
        theirs = await database.connect("alice", "told")
        await theirs.execute("ALTER SCHEMA schema1 OWNER TO alice")
        [drift] = await regent.drifts(1)

        async def is_back() -> bool:
            return bool(await look.fetchval(OWNER, "schema1") == "keeper")

        await eventually(is_back)
        assert drift["deed"] == "schema mydb.schema1 was given to alice"
        assert drift["correction"] == "given back to keeper"
        assert (drift["actor"]["certainty"], drift["actor"]["sessionUser"]) == ("Recorded", "alice")
        assert drift["database"] == "mydb"
        await theirs.execute("DROP SCHEMA s1")
        await regent.drifts(1, drift["id"])

        async def is_made() -> bool:
            return bool(await look.fetchval(OWNER, "s1") == "keeper")

        await eventually(is_made)
