"""A served database that cannot be entered stops neither an ending nor the Regent."""

from __future__ import annotations

from pathlib import Path

import pytest

from regent.changes import HandOnOwned, ReleaseRole
from regent.one_shot import OnceReport, apply_once
from regent.server.authentication import UnsafeAuthenticationError
from regent.server.connect import (
    CannotConnectError,
    IsAPoolerError,
    NoSuchDatabaseError,
    SettingsDoNotHoldError,
    TemplateServed,
    WrongPasswordError,
)
from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.settings import settings_for

STRAY = 'GRANT DELETE ON schema1.flights TO "mydb-viewer"'
MAY_DELETE = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'DELETE')"
IS_THERE = "SELECT count(*) FROM pg_roles WHERE rolname = 'leaver'"
LEAVER = "\nUser/leaver: {reassignOwnedTo: flights-admin, roles: [mydb-viewer]}\n"
ALLOWED = {"reassignOwnedTo": ["flights-admin"]}


@pytest.mark.found("E86")
async def test_a_leaver_ends_beside_databases_that_nobody_can_enter(
    database: Database, tmp_path: Path
) -> None:
    """One that is not there, a template, and a closed one; drift is corrected all the while."""
    await database.execute("CREATE DATABASE pattern IS_TEMPLATE true")
    await database.execute("CREATE DATABASE closed ALLOW_CONNECTIONS false")
    others = ("gone", "pattern", "closed")
    settings = settings_for(database).model_copy(update={"databases": ("mydb", *others)})
    spec = {"additionalDatabases": list(others), "allow": ALLOWED}
    look = await database.connect()

    async def has_left() -> bool:
        return not await look.fetchval(IS_THERE)

    async def is_corrected() -> bool:
        return not await look.fetchval(MAY_DELETE)

    async with running(settings, tmp_path) as regent:
        await regent.push(state(REFERENCE + LEAVER, regent=spec))
        assert set((await regent.settled(1))["unread"]) == set(others)
        await regent.push(state(REFERENCE, regent=spec, revision=2))
        await eventually(has_left)
        await regent.settled(2)
        await database.execute(STRAY)
        await eventually(is_corrected)
        assert "not connected" not in regent.log
        assert (await regent.ask("GET", "/readyz")).status_code == 200


@pytest.mark.found("E86")
async def test_an_adopted_role_is_not_released_before_a_closed_database_was_asked(
    database: Database,
) -> None:
    """What it owns there would be handed on by nobody."""
    settings = settings_for(database).model_copy(update={"databases": ("mydb", "side")})
    look = await database.connect()
    await look.execute("CREATE DATABASE side")
    await look.execute("CREATE ROLE leaver")
    side = await database.server.connect("side")
    await side.execute("CREATE TABLE kept (); ALTER TABLE kept OWNER TO leaver")
    await side.close()

    async def applied(text: str, revision: int) -> OnceReport:
        spec = {"additionalDatabases": ["side"], "allow": {**ALLOWED, "adopt": ["leaver"]}}
        return await apply_once(settings, state(text, revision=revision, regent=spec))

    adopted = "\nUser/leaver: {reassignOwnedTo: flights-admin, roles: [mydb-viewer], adopt: true}\n"
    await applied(REFERENCE + adopted, 1)
    await look.execute("ALTER DATABASE side ALLOW_CONNECTIONS false")
    report = await applied(REFERENCE, 2)
    refused = [one for one in report.results if not one.done]
    assert {type(one.change) for one in refused} == {HandOnOwned, ReleaseRole}
    assert {one.sqlstate for one in refused} == {"08006"}
    await look.execute("ALTER DATABASE side ALLOW_CONNECTIONS true")
    report = await applied(REFERENCE, 3)
    assert all(one.done for one in report.results)
    side = await database.server.connect("side")
    owner = await side.fetchval("SELECT tableowner FROM pg_tables WHERE tablename = 'kept'")
    await side.close()
    assert owner == "flights-admin"


@pytest.mark.found("E86")
def test_whatever_keeps_us_out_is_one_kind_of_error() -> None:
    """Else one of them goes past whoever waits for the others."""
    for kind in (
        UnsafeAuthenticationError,
        IsAPoolerError,
        NoSuchDatabaseError,
        SettingsDoNotHoldError,
        TemplateServed,
        WrongPasswordError,
    ):
        assert issubclass(kind, CannotConnectError)
