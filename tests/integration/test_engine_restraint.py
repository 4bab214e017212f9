"""When a Regent only looks (rules 25, 28a), and when one database is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regent.uninstall import uninstall
from tests.daemons import Regent, running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.postgres.database import Database, flights
from tests.postgres.server import PostgresServer
from tests.settings import settings_for

HAS_SCHEMA = "SELECT to_regnamespace('postgregent') IS NOT NULL"
ROLES = "SELECT count(*) FROM pg_roles WHERE rolname = 'mydb-viewer'"


async def reasons(regent: Regent) -> dict[str, str]:
    """The reason of each resource now."""
    status: dict[str, Any] = await regent.status()
    return {one["resource"]: one["reason"] for one in status["resources"]}


async def all_are(regent: Regent, reason: str) -> None:
    """Wait until every resource says this."""

    async def they_are() -> bool:
        return set((await reasons(regent)).values()) == {reason}

    await eventually(they_are)


@pytest.mark.rule("25")
@pytest.mark.parametrize("restrained", [{"enforcement": "Observe"}, {"suspend": True}])
async def test_who_observes_or_is_suspended_writes_nothing_to_the_served_database(
    database: Database, tmp_path: Path, restrained: dict[str, Any]
) -> None:
    """No role, no detector; with enforcement back, both."""
    look = await database.connect()
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE, regent=restrained))
        await regent.settled(1)
        await all_are(regent, "Observing")
        assert not await look.fetchval(HAS_SCHEMA)
        assert await look.fetchval(ROLES) == 0
        await regent.push(state(REFERENCE, revision=2))
        await all_are(regent, "Applied")
        assert await look.fetchval(HAS_SCHEMA)


@pytest.mark.rule("25")
async def test_with_detector_triggers_an_observer_installs_the_detector_and_nothing_else(
    database: Database, tmp_path: Path
) -> None:
    """It is asked for by name."""
    look = await database.connect()
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(
            state(REFERENCE, regent={"enforcement": "Observe", "detector": "Triggers"})
        )
        await all_are(regent, "Observing")
        assert await look.fetchval(HAS_SCHEMA)
        assert await look.fetchval(ROLES) == 0


@pytest.mark.rule("28a")
async def test_another_server_is_not_written_to_until_the_regent_was_uninstalled(
    database: Database, tmp_path: Path
) -> None:
    """As after a restore elsewhere: the home database knows another system identifier."""
    settings = settings_for(database)
    async with running(settings, tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        regent.stop()
        home = await database.server.connect("postgregent")
        await home.execute("UPDATE postgregent.regents SET system_identifier = '1'")
        await home.close()
        await database.execute('REVOKE SELECT ON schema1.flights FROM "mydb-viewer"')
        regent.start()
        await regent.ready()
        await all_are(regent, "TakeoverNeeded")
        look = await database.connect()
        reads = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'SELECT')"
        assert not await look.fetchval(reads)
        regent.stop()
        await uninstall(settings)
        regent.etag = None
        regent.start()
        await regent.ready()
        await regent.push(state(REFERENCE))
        await all_are(regent, "Applied")
        assert await look.fetchval(reads)
        await regent.push(state("Role/mydb-viewer: {database: mydb}", revision=2))

        async def the_others_are_gone() -> bool:
            count: int = await look.fetchval(
                "SELECT count(*) FROM pg_roles WHERE rolname = 'summer-intern-2'"
            )
            return count == 0

        status = await regent.settled(2)
        if status["brake"]["pulled"]:
            await regent.ask(
                "POST", "/v1/brake/release", json={"digest": status["brake"]["digest"]}
            )
        await eventually(the_others_are_gone)


@pytest.mark.rule("28a")
@pytest.mark.versions(18)
async def test_a_server_in_recovery_is_written_to_once_it_is_promoted(
    launch_server: Callable[..., PostgresServer], tmp_path: Path
) -> None:
    """A standby whose home database came from its primary."""
    server = launch_server(wal_level="replica")
    async with flights(server) as database, running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE, regent={"resyncSeconds": 5}))
        await all_are(regent, "Applied")
        await database.close()
        server.stop()
        signal = server.data_dir / "standby.signal"
        signal.touch(mode=0o644)
        server.start()
        await all_are(regent, "InRecovery")
        admin = await server.connect()
        await admin.execute("SELECT pg_promote()")
        await admin.execute('REVOKE "mydb-viewer" FROM "summer-intern-2"')
        await admin.close()
        await all_are(regent, "Applied")


@pytest.mark.rule("29")
async def test_a_served_database_that_is_not_there_does_not_stop_the_others(
    database: Database, tmp_path: Path
) -> None:
    """What gives something in it says so, and is applied when it comes."""
    text = REFERENCE + "Permission/far: {database: far, schemas: [public], actions: [USAGE]}\n"
    text += "Role/far-reader: {database: far, permissions: [far]}\n"
    settings = settings_for(database)
    settings = settings.model_copy(update={"databases": ("mydb", "far")})
    declared = {"additionalDatabases": ["far"], "resyncSeconds": 5}
    look = await database.connect()
    try:
        async with running(settings, tmp_path) as regent:
            await regent.push(state(text, regent=declared))
            await regent.settled(1)
            found = await reasons(regent)
            far = {key for key, reason in found.items() if reason == "DatabaseUnreachable"}
            assert far == {"Permission/default/far", "Role/default/far-reader"}
            assert (await regent.status())["missing"] == ["far"]
            assert set(found.values()) == {"Applied", "DatabaseUnreachable"}
            await look.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')
            assert (await regent.drifts(1))[0]["actor"]["certainty"] == "Recorded"
            await look.execute("CREATE DATABASE far")
            await all_are(regent, "Applied")
            regent.stop()
    finally:
        await look.execute("DROP DATABASE IF EXISTS far WITH (FORCE)")
