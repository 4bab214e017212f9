"""A Regent that prevents, in the process of the test: a full pass, and the judges that it left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from regent.detect.install import install
from regent.foundation import Foundation, founded
from regent.prevent.prevention import Prevention
from regent.settings import connector_of
from shared.resources import RegentSpec
from tests.declared import REFERENCE, state
from tests.integration.facts.once import applied
from tests.postgres.database import Database
from tests.settings import settings_for


@dataclass(slots=True)
class Preventing:
    """What it stands on; `look_again` is what its next full pass would do."""

    stand: Foundation
    prevention: Prevention
    spec: RegentSpec
    without: dict[str, str]
    """The databases that have no triggers for now, and why."""

    async def look_again(self, spec: RegentSpec | None = None) -> tuple[tuple[str, str], ...]:
        """Another full pass, and what is told after it; what was damaged by then."""
        await self.stand.passes.full()
        looked = self.stand.passes.last_look
        assert looked is not None
        return await self.prevention.after(looked, spec or self.spec)


@asynccontextmanager
async def preventing(
    database: Database, text: str = REFERENCE, *, others: tuple[str, ...] = (), **regent: Any
) -> AsyncIterator[Preventing]:
    """These resources in force, and everything else refused, until the block ends."""
    more = {"enforcement": "Prevent", **regent}
    await applied(database, text, regent=more)
    connection = await database.connect()
    without: dict[str, str] = {}
    status = await install(connection)
    if status.kind != "Triggers":
        without[database.name] = status.why
    settings = settings_for(database)
    async with founded(settings, connector_of(settings.server)) as stand:
        prevention = Prevention(
            settings.databases,
            lock=stand.lock,
            home=stand.home.database,
            connections=stand.connections,
            compilations=stand.passes.looker.compilations,
            without_triggers=lambda: without,
        )
        stand.passes.before_writing = prevention.leave_open
        spec = state(text, regent=more).regent.spec
        one = Preventing(stand, prevention, spec, without)
        await one.look_again()
        yield one


async def refusal(connection: asyncpg.Connection, statement: str) -> str:
    """The message with which a judge refuses it; empty where it goes through."""
    try:
        await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError as error:
        said = str(error)
    else:
        return ""
    assert said.startswith("PostgRegent refuses this: ")
    return said
