"""A Regent that cannot do its work says so or goes on: it never dies while it says Ready (B22)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from regent.detect.detectors import Detectors
from regent.detect.install import damage, install
from regent.detect.own_sessions import OwnSessions
from regent.health.board import Board
from regent.health.metrics import Metrics
from regent.server.connections import Connections
from regent.settings import connector_of
from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.postgres.database import Database, flights
from tests.postgres.server import PostgresServer
from tests.settings import settings_for

STRAY = 'GRANT DELETE ON schema1.flights TO "mydb-viewer"'
MAY_DELETE = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'DELETE')"
KEEPS_FAILING = """
    CREATE FUNCTION public.no_event_table() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF to_regclass('postgregent.event') IS NOT NULL THEN
            RAISE EXCEPTION 'no event table is made here';
        END IF;
    END $$;
    CREATE EVENT TRIGGER no_event_table ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
        EXECUTE FUNCTION public.no_event_table();
    ALTER TABLE postgregent.event RENAME TO stale;
"""
SLOW = """
    CREATE FUNCTION public.slow() RETURNS event_trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_sleep(30);
    END $$;
    CREATE EVENT TRIGGER slow ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
        EXECUTE FUNCTION public.slow();
"""
SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
PLANTED = (
    "ALTER TABLE postgregent.event RENAME TO stale",
    (
        "DROP TABLE postgregent.event; CREATE TABLE postgregent.other (id int);"
        " CREATE INDEX event_xid ON postgregent.other (id)"
    ),
    "DROP TABLE postgregent.event; CREATE TYPE postgregent.event AS ENUM ('a')",
    "DROP TABLE postgregent.event; CREATE VIEW postgregent.event AS SELECT 1 AS id",
    "DROP TABLE postgregent.event; CREATE SEQUENCE postgregent.event_id_seq",
    "DROP TABLE postgregent.event; CREATE MATERIALIZED VIEW postgregent.event_pkey AS SELECT 1",
    "DROP SEQUENCE postgregent.event_taken; CREATE TABLE postgregent.event_taken (id int)",
    "DROP SEQUENCE postgregent.event_taken; CREATE DOMAIN postgregent.event_taken AS int",
    "ALTER SEQUENCE postgregent.event_overflow RENAME TO elsewhere",
    "ALTER INDEX postgregent.event_xid RENAME TO elsewhere",
    "ALTER TABLE postgregent.event SET SCHEMA public",
    (
        "DROP EVENT TRIGGER postgregent_drop; DROP EVENT TRIGGER postgregent_change;"
        " DROP FUNCTION postgregent.record_change();"
        " CREATE PROCEDURE postgregent.record_change() LANGUAGE sql AS 'SELECT 1'"
    ),
)


@pytest.mark.found("B22a")
async def test_a_cancellation_that_meets_a_crash_in_the_installation_is_not_lost(
    database: Database,
) -> None:
    """The ROLLBACK over a dead connection fails, and took the place of the cancellation.

    The Regent then waited for ever for the task that it had cancelled, and said Ready.
    """
    await database.execute(SLOW)
    own = OwnSessions()
    opened: list[asyncpg.Connection] = []
    plain = connector_of(settings_for(database).server)

    class Remembering:
        async def connect(self, name: str, *, purpose: str) -> asyncpg.Connection:
            opened.append(await plain.connect(name, purpose=purpose))
            return opened[-1]

    connections = Connections(Remembering())
    detectors = Detectors(
        (database.name,),
        connector=plain,
        connections=connections,
        wake=lambda _hint: None,
        own=own,
        board=Board(),
        metrics=Metrics(),
        shared_through=database.name,
    )
    look = await database.connect()
    installing = asyncio.create_task(detectors.install())

    async def is_at_it() -> bool:
        return bool(await look.fetchval(SLEEPING))

    await eventually(is_at_it)
    installing.cancel()
    opened[0].terminate()
    await asyncio.wait([installing])
    assert installing.cancelled()
    await connections.close()


@pytest.mark.found("B22a")
async def test_a_regent_beside_an_installation_that_fails_says_so_and_goes_on(
    launch_server: Callable[..., PostgresServer], tmp_path: Path
) -> None:
    async with (
        flights(launch_server()) as database,
        running(settings_for(database), tmp_path) as regent,
    ):
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        intruder = await database.connect()
        await intruder.execute(KEEPS_FAILING)

        async def is_said() -> bool:
            return not (await regent.status())["detector"]["healthy"]

        await eventually(is_said)
        await intruder.execute(STRAY)
        os.kill(intruder.get_server_pid(), signal.SIGKILL)  # all sessions end; it recovers

        async def is_corrected() -> bool:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                return not await (await database.connect()).fetchval(MAY_DELETE)
            return False

        await eventually(is_corrected)
        await regent.ready()
        assert regent.stop() == 0


@pytest.mark.found("B22a")
@pytest.mark.every_version
async def test_whatever_has_a_name_of_the_detector_s_the_installation_heals(
    database: Database,
) -> None:
    connection = await database.connect()
    for harm in PLANTED:
        await install(connection)
        await connection.execute(harm)
        assert await damage(connection), harm
        status = await install(connection)
        assert (status.kind, status.why) == ("Triggers", ""), harm
        assert not await damage(connection), harm
        await connection.execute("CREATE TABLE public.t (); DROP TABLE public.t")
        assert await connection.fetchval("SELECT count(*) FROM postgregent.event"), harm
        await connection.execute("DROP SCHEMA postgregent CASCADE")
