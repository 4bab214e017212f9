"""One Regent serves a database, one writes the roles, and only an admin's lock counts."""

from __future__ import annotations

import pytest

from regent.home.locks import LockHeld, LockLost, RegentLock, _keys, lock_roles_in_transaction
from regent.home.store import Home
from tests.integration.test_home import REGENT, connector_of, open_home
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer

pytestmark = pytest.mark.rule("6")


async def take(server: PostgresServer, regent: str = REGENT, *served: str) -> RegentLock:
    return await RegentLock.take(
        connector_of(server), database="postgregent", regent=regent, served=served or ("mydb",)
    )


@pytest.fixture
async def home(database: Database) -> Home:
    return await open_home(database.server)


@pytest.mark.found("E176")
async def test_a_second_regent_of_one_database_is_told_who_holds_it(
    database: Database, home: Home
) -> None:
    lock = await take(database.server)
    with pytest.raises(LockHeld) as refused:
        await take(database.server, "other/regent")
    assert refused.value.holder.application == f"postgregent/lock of {REGENT}"
    assert REGENT in refused.value.message
    assert "my-admin" in refused.value.message
    assert "since" in refused.value.message
    elsewhere = await take(database.server, "other/regent", "another")
    await lock.release()
    await elsewhere.release()
    again = await take(database.server)
    assert await again.check()
    await again.release()
    await home.close()


async def test_a_connection_that_breaks_loses_the_lock(database: Database, home: Home) -> None:
    lock = await take(database.server)
    lock.require()
    look = await database.connect()
    await look.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name LIKE 'postgregent/lock%'"
    )
    assert not await lock.check()
    with pytest.raises(LockLost):
        lock.require()
    await home.close()


async def test_a_strangers_lock_is_not_believed(database: Database, home: Home) -> None:
    await database.execute(
        "CREATE ROLE stranger LOGIN PASSWORD 'x'; GRANT CONNECT ON DATABASE postgregent TO stranger"
    )
    stranger = await database.server.connect("postgregent", "stranger", "x")
    key, *_ = _keys("database mydb")
    assert await stranger.fetchval("SELECT pg_try_advisory_lock($1)", key)
    lock = await take(database.server)
    with pytest.raises(LockHeld, match="my-admin"):
        await take(database.server, "other/regent")
    await stranger.close()
    with pytest.raises(LockHeld, match="my-admin"):
        await take(database.server, "third/regent")
    await lock.release()
    await home.close()


async def test_one_writes_the_roles_at_a_time(database: Database, home: Home) -> None:
    one, other = [await database.server.connect("postgregent") for _ in range(2)]
    async with one.transaction():
        await lock_roles_in_transaction(one)
        await lock_roles_in_transaction(one)
        with pytest.raises(LockHeld):
            async with other.transaction():
                await lock_roles_in_transaction(other, patience_seconds=0.1)
    async with other.transaction():
        await lock_roles_in_transaction(other, patience_seconds=5)
    for connection in (one, other):
        await connection.close()
    await home.close()
