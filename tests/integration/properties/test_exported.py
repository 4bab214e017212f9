"""Whatever was declared, an export of it says it again: nobody is left out, and nothing changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from regent.one_shot import apply_once
from tests.command import postgregent
from tests.declared import state
from tests.integration.properties.looking import SETUP, see
from tests.integration.properties.test_properties import OPEN, PASSWORDS, QUIET
from tests.integration.properties.world import World, worlds
from tests.postgres.database import flights
from tests.postgres.reset import reset
from tests.postgres.server import PostgresServer
from tests.settings import settings_for

SAID = "Their plan adopts roles and changes nothing else."


async def export_of(server: PostgresServer, world: World, folder: Path) -> None:
    """Declared, applied, uninstalled, exported and applied again."""
    await reset(server)
    async with flights(server) as database:
        look = await database.connect()
        await look.execute(SETUP)
        pushed = state(world.text, regent={**OPEN, **world.regent}, passwords=PASSWORDS)
        await apply_once(settings_for(database), pushed)
        at = ("--dsn", database.dsn())
        left = await postgregent("uninstall", *at, "--regent", "default/my-regent", "--home", "-y")
        assert left.status == 0, left.err
        before = await see(look, server.version)
        exported = await postgregent("export", str(folder), *at)
        assert SAID in exported.err, exported.err
        out = [name for name in sorted(world.names) if f"role {name}: " in exported.err]
        assert not out, exported.err
        applied = await postgregent("apply", str(folder), *at, "-o", "json")
        assert applied.status == 0, applied.out + exported.err
        done = {one["what"].partition(" ")[0] for one in applied.data()["results"]}
        assert done <= {"adopt"}, applied.data()["results"]
        after = await see(look, server.version)
        assert (after.facts, after.owners) == (before.facts, before.owners)


@pytest.mark.versions(18)
@settings(max_examples=2, phases=(Phase.generate,), suppress_health_check=QUIET)
@given(data=st.data())
async def test_an_export_says_again_what_was_declared(
    server: PostgresServer, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = data.draw(worlds(server.version, objects=False))
    await export_of(server, world, tmp_path_factory.mktemp("export"))


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@settings(max_examples=40, suppress_health_check=QUIET)
@given(data=st.data())
async def test_an_export_says_again_what_was_declared_many_times(
    server: PostgresServer, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = data.draw(worlds(server.version, objects=data.draw(st.booleans())))
    await export_of(server, world, tmp_path_factory.mktemp("export"))
