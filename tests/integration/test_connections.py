"""The work connections: one per database, one user at a time, opened again when broken."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from regent.server.address import ServerAddress
from regent.server.connect import Connector
from regent.server.connections import Connections
from tests.eventually import eventually
from tests.frozen import freeze
from tests.postgres.database import Database


@pytest.fixture
def connector(database: Database) -> Connector:
    server = database.server

    async def password() -> str:
        return server.password.get_secret_value()

    address = ServerAddress(server.host, server.port, server.superuser)
    return Connector(address, password)


@pytest.fixture
def connections(connector: Connector) -> Connections:
    return Connections(connector)


async def test_a_database_has_one_connection_that_is_used_again(connections: Connections) -> None:
    async with connections.use("mydb") as first:
        pid = first.get_server_pid()
    async with connections.use("mydb") as second:
        assert second.get_server_pid() == pid
    async with connections.use("postgres") as other:
        assert other.get_server_pid() != pid
    assert connections.pids == {pid, other.get_server_pid()}
    await connections.close()
    assert connections.pids == frozenset()


async def test_two_tasks_never_hold_the_same_connection(connections: Connections) -> None:
    inside, most = 0, 0

    async def work() -> None:
        nonlocal inside, most
        async with connections.use("mydb") as connection:
            inside += 1
            most = max(most, inside)
            await connection.fetchval("SELECT pg_sleep(0.001)")
            inside -= 1

    await asyncio.gather(*(work() for _ in range(8)))
    assert most == 1
    await connections.close()


async def test_a_connection_that_broke_is_opened_again(
    connections: Connections, database: Database
) -> None:
    async with connections.use("mydb") as connection:
        pid = connection.get_server_pid()
    database.server.restart()
    while pid in connections.pids:
        await asyncio.sleep(0)
    async with connections.use("mydb") as connection:
        assert await connection.fetchval("SELECT 1") == 1
    await connections.close()


async def test_a_transaction_left_open_is_undone_and_not_inherited(
    connections: Connections,
) -> None:
    async with connections.use("mydb") as connection:
        await connection.execute("BEGIN; CREATE TABLE public.half_done (a int)")
    async with connections.use("mydb") as connection:
        assert not connection.is_in_transaction()
        assert await connection.fetchval("SELECT to_regclass('public.half_done')") is None
    await connections.close()


@pytest.mark.found("B19")
async def test_an_idle_connection_is_closed_and_one_in_use_is_not(connector: Connector) -> None:
    connections = Connections(connector, idle_seconds=0.05)
    async with connections.use("postgres") as busy:
        async with connections.use("mydb"):
            pass

        async def is_alone() -> bool:
            return connections.pids == {busy.get_server_pid()}

        await eventually(is_alone)
        assert await busy.fetchval("SELECT 1") == 1

    async def is_none_open() -> bool:
        return not connections.pids

    await eventually(is_none_open)
    await connections.close()


@pytest.mark.found("B19")
async def test_a_database_that_hangs_holds_nobody_up_elsewhere(
    connections: Connections, database: Database
) -> None:
    """And who gives up waiting leaves no connection behind that the next one would wait for."""
    async with connections.use("mydb") as first:
        pid = first.get_server_pid()
    freeze(pid)
    try:
        hung = asyncio.create_task(_ask(connections, "mydb"))
        assert await _ask(connections, "postgres") == 1
        assert not hung.done()
        hung.cancel()
        await asyncio.wait([hung])
        assert await _ask(connections, "mydb") == 1
        assert pid not in connections.pids
    finally:
        os.kill(pid, signal.SIGCONT)
    await connections.close()


async def _ask(connections: Connections, database: str) -> object:
    async with connections.use(database) as connection:
        return await connection.fetchval("SELECT 1")
