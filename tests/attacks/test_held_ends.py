"""Nobody keeps an access that has ended by holding the row of the own role (rule 24)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from regent.changes import AlterRole, Effect
from regent.one_shot import OnceReport
from shared import scram
from tests.integration.facts.once import all_ready, applied, outcome
from tests.postgres.database import Database, flights
from tests.postgres.server import PostgresServer

pytestmark = [pytest.mark.every_version, pytest.mark.found("E98")]

BASE = """
Permission/read: {database: mydb, schemas: [schema1], tables: [flights], actions: [SELECT]}
Role/viewer: {database: mydb, permissions: [read]}
User/keeper: {database: mydb}
"""
EVIL = "User/evil: {{database: mydb, roles: [viewer], permissions: [read], {how}{secret}}}\n"
SECRET = "passwordSecretRef: {name: s, key: k}"
VERIFIER = scram.build("pw").value
MINE = f"ALTER ROLE evil PASSWORD '{VERIFIER}'"
ENDS = {
    "disabled": "enabled: false, ",
    "expired": "validUntil: '2001-01-01T00:00:00Z', ",
    "deleted": None,
}
CLIENTS = 6


async def given(database: Database) -> None:
    """The user may log in and read, by a Role and by itself."""
    report = await declared(database, "")
    assert all_ready(report)


async def declared(database: Database, how: str | None, revision: int = 1) -> OnceReport:
    """One pass with evil so; None is without it."""
    evil = "" if how is None else EVIL.format(how=how, secret=SECRET)
    passwords = {} if how is None else {"User/evil": {"verifier": VERIFIER}}
    return await applied(database, BASE + evil, revision, passwords=passwords)


def closings(report: OnceReport) -> list[bool]:
    """Of each effort to take LOGIN from evil, whether it was done."""
    return [
        result.done
        for result in report.results
        if isinstance(result.change, AlterRole)
        and result.change.effect is Effect.CLOSE
        and result.change.role == "evil"
    ]


async def what_evil_has(look: asyncpg.Connection) -> tuple[bool, bool, bool]:
    """LOGIN, the membership, the privilege of its own or of its Role."""
    row = await look.fetchrow(
        "SELECT rolcanlogin, pg_has_role(rolname, 'viewer', 'member'),"
        " has_table_privilege(rolname, 'schema1.flights', 'SELECT')"
        " FROM pg_roles WHERE rolname = 'evil'"
    )
    return tuple(row) if row else (False, False, False)


@asynccontextmanager
async def coming_back(database: Database) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Clients of evil that hold its row, or queue for it, and come back whenever they are ended."""
    is_held = asyncio.Event()

    async def client() -> None:
        while True:
            try:
                session = await database.server.connect("mydb", "evil", "pw")
            except asyncpg.InvalidAuthorizationSpecificationError:
                return  # it lacks LOGIN, or is gone
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await asyncio.sleep(0.005)  # ended while it came in
                continue
            try:
                await session.execute(f"BEGIN; {MINE}")
                is_held.set()
                while not session.is_closed():
                    await asyncio.sleep(0.005)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                pass
            finally:
                session.terminate()

    clients = [asyncio.create_task(client()) for _ in range(CLIENTS)]
    try:
        await is_held.wait()
        yield clients
    finally:
        for one in clients:
            one.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


@pytest.mark.parametrize("how", ENDS)
async def test_clients_that_come_back_win_no_effort(database: Database, how: str) -> None:
    """LOGIN is taken at the first effort of the first pass, and then nobody comes back."""
    await given(database)
    look = await database.connect()
    async with coming_back(database) as clients:
        report = await declared(database, ENDS[how], 2)
        assert closings(report) == [True]
        assert not (await what_evil_has(look))[0]
        while not all(one.done() for one in clients):
            # One that was let in while LOGIN went is ended by the next look.
            await declared(database, ENDS[how], 2)
    assert all_ready(await declared(database, ENDS[how], 2))


@pytest.mark.parametrize("how", ["disabled", "expired"])
async def test_a_prepared_transaction_keeps_nothing_but_login(
    launch_server: Callable[..., PostgresServer], how: str
) -> None:
    """It is named with its way out; what else the user had is taken. The twin: it comes back."""
    async with flights(launch_server(max_prepared_transactions="2")) as database:
        await given(database)
        look = await database.connect()
        evil = await database.connect("evil", "pw")
        await evil.execute(f"BEGIN; {MINE}; PREPARE TRANSACTION 'mine'")
        for _ in range(2):
            report = await declared(database, ENDS[how], 2)
            said = outcome(report, "User/evil")
            assert not said.is_ready
            assert "ROLLBACK PREPARED 'mine'" in said.message
            assert evil.is_closed()
            assert await what_evil_has(look) == (True, False, False)
        await look.execute("ROLLBACK PREPARED 'mine'")
        report = await declared(database, ENDS[how], 2)
        assert all_ready(report)
        assert await what_evil_has(look) == (False, True, True)


async def test_a_session_of_somebody_else_is_named_and_not_ended(database: Database) -> None:
    """The twin of the first: only sessions of the role whose access ends are ended."""
    await given(database)
    look, other = await database.connect(), await database.connect()
    await other.execute(f"BEGIN; {MINE}")
    report = await declared(database, ENDS["disabled"], 2)
    assert f"pid {other.get_server_pid()}" in outcome(report, "User/evil").message
    assert await what_evil_has(look) == (True, False, False)
    await other.execute("ROLLBACK")
    assert all_ready(await declared(database, ENDS["disabled"], 2))
    assert await what_evil_has(look) == (False, True, True)
