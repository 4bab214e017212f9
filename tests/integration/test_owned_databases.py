"""Databases that a Role or User owns: made, given and kept (ADR 36)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from regent.one_shot import OnceReport, apply_once, plan_once
from regent.settings import RegentSettings
from shared.consent import Consent
from tests.daemons import running
from tests.declared import state
from tests.eventually import eventually
from tests.integration.facts.once import all_ready, demote, outcome
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = [pytest.mark.every_version, pytest.mark.slow_versions(14, 16, 17)]

OWNER = "SELECT datdba::regrole::text FROM pg_database WHERE datname = $1"
TAKES: dict[str, Any] = {"additionalDatabases": ["side"], "allow": {"ownedDatabases": ["mydb"]}}
OWNS = """
Permission/enter: {database: side, actions: [CONNECT]}
Permission/make: {database: side, schemas: [public], actions: [USAGE]}
Role/keeper: {database: mydb, owns: {databases: [{name: mydb}, {name: side, create: true}]}}
Role/reader: {database: mydb, permissions: [enter, make]}
"""


def both(database: Database) -> RegentSettings:
    """A Regent that serves `side` as well, be it there or not."""
    return settings_for(database).model_copy(update={"databases": ("mydb", "side")})


async def applied(database: Database, text: str, revision: int, **more: Any) -> OnceReport:
    pushed = state(text, revision=revision, **more)
    return await apply_once(both(database), pushed, consents=[Consent("Brake", "")])


async def test_a_database_is_made_and_another_is_taken_and_both_are_kept(
    database: Database,
) -> None:
    """What stands in a new one is served at once; a second plan is empty."""
    report = await applied(database, OWNS, 1, regent=TAKES)
    assert all_ready(report), report.outcomes
    look = await database.connect()
    assert [await look.fetchval(OWNER, name) for name in ("mydb", "side")] == ["keeper"] * 2
    assert not (await plan_once(both(database), state(OWNS, regent=TAKES, revision=2))).plan.changes
    await database.execute("ALTER DATABASE side OWNER TO app_owner", "postgres")
    report = await applied(database, OWNS, 2, regent=TAKES)
    said = outcome(report, "Role/keeper")
    assert said.reason == "NotAllowed"
    assert "spec.allow.ownedDatabases" in said.message
    everything = {**TAKES, "allow": {"ownedDatabases": ["*"]}}
    assert all_ready(await applied(database, OWNS, 3, regent=everything))
    assert await look.fetchval(OWNER, "side") == "keeper"
    none = OWNS.partition("Role/keeper")[0] + "Role/keeper: {database: mydb}"
    report = await applied(database, none, 4, regent=TAKES)
    [note] = [one for one in outcome(report, "Role/keeper").notes if "side" in one]
    assert "the databases mydb, side, which spec.owns does not list: they stay its own" in note
    assert await look.fetchval(OWNER, "side") == "keeper"


@pytest.mark.rule("21")
async def test_an_admin_that_may_not_says_what_would_help(database: Database) -> None:
    """With these statements it is done."""
    text = "Role/keeper: {database: mydb, owns: {databases: [{name: mydb}]}}"
    await applied(database, "Role/keeper: {database: mydb}", 1)
    await demote(database)
    await database.execute('ALTER ROLE "my-admin" NOCREATEDB', "postgres")
    report = await applied(database, text, 2, regent=TAKES)
    said = outcome(report, "Role/keeper").message
    assert "42501" in said
    for statement in said.partition("let the admin do it: ")[2].split(";")[:2]:
        await database.execute(statement, "postgres")
    report = await applied(database, text, 3, regent=TAKES)
    assert all_ready(report), report.outcomes


@pytest.mark.found("E185")
@pytest.mark.versions(15, 18)
async def test_a_daemon_makes_it_serves_it_and_gives_it_back(
    database: Database, tmp_path: Path
) -> None:
    """No trigger sees the owner of a database: the watch of the shared catalogs does."""
    look = await database.connect()
    async with running(both(database), tmp_path) as regent:
        await regent.push(state(OWNS, regent=TAKES))

        async def is_served() -> bool:
            asked = "SELECT has_database_privilege('reader', 'side', 'CONNECT')"
            owner = await look.fetchval(OWNER, "side")
            return owner == "keeper" and bool(await look.fetchval(asked))

        await eventually(is_served)
        await regent.settled(1)
        await look.execute("ALTER DATABASE mydb OWNER TO app_owner")
        [drift] = await regent.drifts(1)
        assert drift["deed"] == "database mydb was given to app_owner"
        assert drift["correction"] == "given back to keeper"
        assert await look.fetchval(OWNER, "mydb") == "keeper"
