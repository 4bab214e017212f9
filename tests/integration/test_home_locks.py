"""One Regent serves a database, one writes the roles, and only an admin's lock counts."""

from __future__ import annotations

import pytest

from regent.home.locks import LockHeld, LockLost, RegentLock, _keys, lock_roles_in_transaction
from regent.home.store import Home
from regent.home.turns import PREDECESSOR_SECONDS, RETURN_SECONDS, Turn
from regent.report.bodies import trouble_body
from tests.integration.test_home import REGENT, connector_of, open_home
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer

pytestmark = pytest.mark.rule("6")


async def take(
    server: PostgresServer, regent: str = REGENT, *served: str, turn: Turn | None = None
) -> RegentLock:
    return await RegentLock.take(
        connector_of(server),
        database="postgregent",
        regent=regent,
        served=served or ("mydb",),
        turn=turn,
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


@pytest.mark.found("E195")
async def test_a_regent_that_is_restarted_has_its_database_again_before_one_that_waits(
    database: Database, home: Home
) -> None:
    """Which takes over where the first does not come back."""
    now = 0.0
    turns = {name: Turn(lambda: now) for name in (REGENT, "other/regent")}

    async def come(regent: str) -> RegentLock:
        return await take(database.server, regent, turn=turns[regent])

    lock = await come(REGENT)
    with pytest.raises(LockHeld, match="is held"):
        await come("other/regent")
    await lock.release()
    now = 1.0
    with pytest.raises(LockHeld, match=f"a moment ago held by postgregent/lock of {REGENT}"):
        await come("other/regent")
    lock = await come(REGENT)
    now = 20.0
    with pytest.raises(LockHeld, match="is held"):
        await come("other/regent")
    await lock.release()
    now += RETURN_SECONDS - 1
    with pytest.raises(LockHeld, match=r"a moment ago.*It has 1 s to come back"):
        await come("other/regent")
    now += 1
    await (await come("other/regent")).release()
    await home.close()


@pytest.mark.found("E285", "E287", "E341")
async def test_a_second_process_of_the_same_name_waits_its_turn_and_a_successor_does_not(
    database: Database, home: Home
) -> None:
    """The Regent of a second release of the chart had it for good when the first was restarted."""
    now = 0.0
    turns = {name: Turn(lambda: now) for name in ("first", "again", "twin")}

    async def come(process: str) -> RegentLock:
        return await take(database.server, turn=turns[process])

    lock = await come("first")
    for seconds in (0.0, 20.0, PREDECESSOR_SECONDS + 1):
        now = seconds
        with pytest.raises(LockHeld, match="is held") as held:
            await come("twin")
        assert f"regent-namespace={REGENT.partition('/')[0]}`" in held.value.way_out
    with pytest.raises(LockHeld, match="is held"):
        await come("again")
    await lock.release()
    with pytest.raises(LockHeld, match="a moment ago") as over:
        await come("twin")
    assert not trouble_body(over.value, tries=99).is_for_good
    lock = await come("again")
    now += 1.0
    with pytest.raises(LockHeld, match="is held"):
        await come("twin")
    await lock.release()
    now += RETURN_SECONDS
    await (await come("twin")).release()
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
