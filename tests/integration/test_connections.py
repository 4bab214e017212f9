"""The work connections: one per database, one user at a time, opened again when broken."""

from __future__ import annotations

import asyncio

import pytest

from regent.server.address import ServerAddress
from regent.server.connect import Connector
from regent.server.connections import Connections
from tests.postgres.database import Database


@pytest.fixture
def connections(database: Database) -> Connections:
    server = database.server

    async def password() -> str:
        return server.password.get_secret_value()

    address = ServerAddress(server.host, server.port, server.superuser)
    return Connections(Connector(address, password))


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
