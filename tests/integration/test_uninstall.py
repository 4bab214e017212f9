"""Uninstalling touches what belongs to the named home database alone (rule 28)."""

from __future__ import annotations

import pytest

from regent.detect.install import install
from regent.home.locks import RegentLock
from regent.home.store import Home
from regent.settings import connector_of
from regent.uninstall import is_installed, uninstall
from tests.postgres.database import Database
from tests.settings import settings_for


@pytest.mark.found("E286")
@pytest.mark.rule("28")
@pytest.mark.versions(18)
async def test_what_a_regent_of_another_home_database_serves_is_left_alone(
    database: Database,
) -> None:
    """Seen: its triggers were gone. The twin: nobody runs, and they go."""
    settings = settings_for(database)
    connector = connector_of(settings.server)
    for home in ("postgregent", "home1"):
        opened = await Home.open(
            connector, database=home, regent=settings.regent, through=settings.databases
        )
        await opened.close()
    await install(await database.connect())
    other = settings.model_copy(update={"home_database": "home1"})
    lock = await RegentLock.take(
        connector, database="postgregent", regent=settings.regent, served=settings.databases
    )
    done = (await uninstall(other)).done
    assert "a Regent of the home database 'postgregent' runs" in done[0]
    assert await is_installed(settings)
    await lock.release()
    assert (await uninstall(other)).done[0].startswith("mydb: event triggers and schema removed")
    assert not await is_installed(settings)
