"""A server that stands still on the connection to the home database alone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import pytest

from regent.foundation import founded
from regent.settings import connector_of
from tests.frozen import freeze
from tests.postgres.database import flights
from tests.postgres.server import PostgresServer
from tests.settings import settings_for

PATIENCE_SECONDS = 120


@pytest.mark.found("E533")
@pytest.mark.versions(18)
async def test_the_end_of_a_life_waits_for_no_answer_that_does_not_come(
    launch_server: Callable[..., PostgresServer],
) -> None:
    """Who reads meanwhile is cut off, and the server is connected to anew."""
    server = await asyncio.to_thread(launch_server)
    async with flights(server) as database:
        settings = settings_for(database)
        async with asyncio.timeout(PATIENCE_SECONDS):
            async with founded(settings, connector_of(settings.server)) as stand:
                async with stand.home.connection() as home:
                    pid = await home.fetchval("SELECT pg_backend_pid()")
                freeze(pid)
                reading = asyncio.create_task(stand.home.marks())
                await asyncio.sleep(0)
            [read] = await asyncio.gather(reading, return_exceptions=True)
            assert isinstance(read, Exception)
            os.kill(pid, signal.SIGCONT)
            async with founded(settings, connector_of(settings.server)) as stand:
                assert await stand.home.marks() == ()
