"""Watching what fires nothing: the shared catalogs, and what is done to the detector."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Literal

import asyncpg
import pytest

import sql
from regent.detect.attribution import Records, Touched, likely_actor, row_versions
from regent.detect.events import EventReader
from regent.detect.install import install
from regent.detect.listener import Listener
from regent.detect.wake import DetectorChanged, Full, Hint, LocalChanged, LocalEvents, SharedChanged
from regent.detect.watcher import LocalWatch, Watcher
from regent.kinds import Address
from shared.backoff import Backoff
from shared.privileges import ObjectKind
from tests.integration.until import until
from tests.postgres.database import Database, flights
from tests.postgres.server import PostgresServer

pytestmark = pytest.mark.slow_versions(16, 17)
SHARED = [
    ("CREATE ROLE other", "roles"),
    ("ALTER ROLE intern CREATEDB", "roles"),
    ("ALTER ROLE intern RENAME TO trainee", "roles"),
    ("DROP ROLE intern", "roles"),
    ("GRANT pg_monitor TO intern", "memberships"),
    ("ALTER ROLE intern SET work_mem = '8MB'", "settings"),
    ("ALTER ROLE intern IN DATABASE mydb SET work_mem = '8MB'", "settings"),
    ("GRANT CONNECT ON DATABASE mydb TO intern", "databases"),
    ("ALTER DATABASE mydb OWNER TO intern", "databases"),
    ("GRANT CREATE ON TABLESPACE pg_default TO intern", "tablespaces"),
]
TAMPERING = [
    "DROP EVENT TRIGGER postgregent_change",
    "ALTER EVENT TRIGGER postgregent_change DISABLE",
    (
        "CREATE OR REPLACE FUNCTION postgregent.record_change() RETURNS event_trigger"
        " LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN END'"
    ),
    "ALTER FUNCTION postgregent.record_change() OWNER TO app_owner",
    "DROP TABLE postgregent.event",
    "GRANT SELECT ON postgregent.event TO PUBLIC",
    "ALTER SCHEMA postgregent RENAME TO elsewhere",
    "DROP SCHEMA postgregent CASCADE",
]


@asynccontextmanager
async def watching(
    database: Database,
    hints: list[Hint],
    *,
    user: str | None = None,
    detector: Literal["Triggers", "Polling"] = "Triggers",
) -> AsyncIterator[None]:
    """A running watcher, with one that answers for `mydb` but hears nothing."""

    async def connect() -> asyncpg.Connection:
        return await database.server.connect(database.name, user)

    quick = Backoff(first=0.01, longest=0.1)
    listener = Listener(database.name, connect=connect, wake=lambda _: None, backoff=quick)
    local = LocalWatch(
        database.name, listener, hints.append, detector=detector, polling_seconds=0.05
    )
    watcher = Watcher(
        connect=connect,
        wake=hints.append,
        local={database.name: local},
        interval_seconds=0.01,
        backoff=quick,
    )
    tasks = [asyncio.create_task(listener.run())]
    try:
        await until(lambda: listener.is_listening)
        tasks.append(asyncio.create_task(watcher.run()))
        await until(lambda: any(isinstance(hint, Full) for hint in hints))
        await until(lambda: bool(local._seen))
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def moved(hints: list[Hint], part: str) -> Callable[[], bool]:
    return lambda: any(isinstance(hint, SharedChanged) and part in hint.parts for hint in hints)


@pytest.mark.fact("PG-EVENT-9")
@pytest.mark.every_version
@pytest.mark.parametrize(("statement", "part"), SHARED)
async def test_a_change_of_a_shared_catalog_is_found(
    database: Database, statement: str, part: str
) -> None:
    await database.execute("CREATE ROLE intern")
    hints: list[Hint] = []
    async with watching(database, hints):
        await database.execute(statement)
        await until(moved(hints, part))


@pytest.mark.fact("PG-WATCH-2")
async def test_a_new_password_is_found(database: Database) -> None:
    verifier = "SCRAM-SHA-256$4096:c2FsdHNhbHQ=$" + "A" * 43 + "=:" + "B" * 43 + "="
    await database.execute("CREATE ROLE intern")
    hints: list[Hint] = []
    async with watching(database, hints):
        await database.execute(f"ALTER ROLE intern PASSWORD '{verifier}'")
        await until(moved(hints, "roles"))


@pytest.mark.fact("PG-WATCH-5")
@pytest.mark.versions(17, 18)
async def test_switching_event_triggers_off_by_a_setting_is_found(database: Database) -> None:
    hints: list[Hint] = []
    async with watching(database, hints):
        await database.execute("ALTER DATABASE mydb SET event_triggers = off")
        await until(moved(hints, "settings"))


@pytest.mark.versions(15, 16, 17, 18)
async def test_a_grant_on_a_parameter_is_found(database: Database) -> None:
    hints: list[Hint] = []
    async with watching(database, hints):
        await database.execute("GRANT SET ON PARAMETER log_statement TO app_owner")
        await until(moved(hints, "parameters"))


@pytest.mark.fact("PG-WATCH-3")
@pytest.mark.every_version
@pytest.mark.parametrize(("statement", "part"), SHARED)
async def test_an_admin_who_is_no_superuser_finds_it_too(
    database: Database, statement: str, part: str
) -> None:
    await database.execute("CREATE ROLE intern")
    hints: list[Hint] = []
    async with watching(database, hints, user=database.owner):
        await database.execute(statement)
        await until(moved(hints, part))


@pytest.mark.fact("PG-EVENT-12")
@pytest.mark.fact("PG-EVENT-25")
@pytest.mark.fact("PG-WATCH-4")
@pytest.mark.every_version
@pytest.mark.parametrize("harm", TAMPERING)
async def test_tampering_with_the_detector_is_found(database: Database, harm: str) -> None:
    await install(await database.connect())
    hints: list[Hint] = []
    async with watching(database, hints):
        await database.execute(harm)
        await until(lambda: DetectorChanged("mydb") in hints)


async def test_an_event_that_could_not_notify_is_found(
    launch_server: Callable[..., PostgresServer],
) -> None:
    server = launch_server(max_prepared_transactions="5")
    async with flights(server) as database:
        await install(await database.connect())
        hints: list[Hint] = []
        async with watching(database, hints):
            await database.execute("CREATE TABLE schema1.t ()", database.owner)
            await until(lambda: LocalEvents("mydb") in hints)


@pytest.mark.found("E521")
async def test_a_command_that_could_not_be_recorded_is_found(database: Database) -> None:
    """Where no NOTIFY goes, that it was counted is all that there is."""
    admin = await database.connect()
    await install(admin)
    hints: list[Hint] = []
    async with watching(database, hints):
        hints.clear()
        await admin.execute("SELECT nextval('postgregent.event_overflow'); CREATE ROLE other")
        await until(lambda: LocalEvents("mydb") in hints)


@pytest.mark.fact("PG-EVENT-15")
@pytest.mark.every_version
@pytest.mark.parametrize(
    "statement",
    [
        "GRANT SELECT ON schema1.flights TO PUBLIC",
        "GRANT SELECT (origin) ON schema1.flights TO PUBLIC",
        "GRANT USAGE ON SCHEMA schema1 TO PUBLIC",
        "CREATE TABLE schema1.t ()",
    ],
)
async def test_without_triggers_local_changes_are_found_by_polling(
    database: Database, statement: str
) -> None:
    hints: list[Hint] = []
    async with watching(database, hints, user=database.owner, detector="Polling"):
        await database.execute(statement, database.owner)
        await until(lambda: LocalChanged("mydb") in hints)


async def test_a_change_while_the_watcher_was_away_asks_for_a_full_look(
    database: Database,
) -> None:
    admin = await database.connect()
    hints: list[Hint] = []
    async with watching(database, hints):
        hints.clear()
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = 'mydb' AND pid <> pg_backend_pid()"
        )
        await until(lambda: any(isinstance(hint, Full) for hint in hints))


@pytest.mark.fact("PG-WATCH-1")
@pytest.mark.every_version
async def test_the_gate_stands_still_until_something_commits(database: Database) -> None:
    connection, other = await database.connect(), await database.connect()
    await connection.execute("CHECKPOINT")

    async def gate() -> str:
        text: str = await connection.fetchval(sql.load("watch/gate"))
        return text

    for _ in range(20):  # autovacuum may commit between two readings, but not for ever
        before = await gate()
        await other.fetchval("SELECT count(*) FROM schema1.flights")
        if await gate() == before:
            break
    else:
        pytest.fail("the gate never stood still")
    await other.execute("CREATE ROLE other")
    assert await gate() != before


@pytest.mark.rule("30")
@pytest.mark.every_version
async def test_a_local_change_is_blamed_on_the_session_that_made_it(database: Database) -> None:
    admin = await database.connect()
    await install(admin)
    reader = EventReader()
    await reader.take(admin)
    await database.execute("CREATE TABLE schema2.noise ()")
    await database.execute("GRANT SELECT ON schema1.flights TO PUBLIC", database.owner)
    await database.execute("CREATE TABLE schema2.more ()")
    oid = await admin.fetchval("SELECT 'schema1.flights'::regclass::oid")
    versions = await row_versions(admin, [Address("pg_class", oid)])
    events = (await reader.take(admin)).events
    actor, at = Records(events, versions).who(Touched(oid, ObjectKind.TABLE, "GRANT"))
    assert (actor.certainty, actor.session_user, actor.command_tag) == (
        "Recorded",
        "app_owner",
        "GRANT",
    )
    assert at is not None


@pytest.mark.rule("30")
@pytest.mark.every_version
async def test_a_change_in_a_subtransaction_is_probable(database: Database) -> None:
    admin = await database.connect()
    await install(admin)
    reader = EventReader()
    await reader.take(admin)
    await database.execute("CREATE TABLE schema2.noise ()")
    await database.execute(
        "BEGIN; SAVEPOINT a; GRANT SELECT ON schema1.flights TO PUBLIC; COMMIT", database.owner
    )
    oid = await admin.fetchval("SELECT 'schema1.flights'::regclass::oid")
    versions = await row_versions(admin, [Address("pg_class", oid)])
    events = (await reader.take(admin)).events
    actor, _ = Records(events, versions).who(Touched(oid, ObjectKind.TABLE, "GRANT"))
    assert (actor.certainty, actor.session_user) == ("Probable", "app_owner")
    assert "subtransaction" in actor.why_not


@pytest.mark.rule("30")
async def test_the_one_session_that_changed_roles_is_probable_and_of_several_each_is_named(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regent.detect.attribution.RECENT_SECONDS", 60.0)  # whatever it takes here
    admin = await database.connect()
    own = [admin.get_server_pid()]
    assert (await likely_actor(admin, own)).certainty == "Unknown"
    one, two = await database.connect(), await database.connect()
    await one.execute("CREATE ROLE other PASSWORD NULL")
    actor = await likely_actor(admin, own)
    assert (actor.certainty, actor.pid, actor.command_tag) == (
        "Probable",
        one.get_server_pid(),
        "CREATE",
    )
    await two.execute("DROP ROLE other")
    await one.execute("CREATE ROLE other PASSWORD NULL")
    several = await likely_actor(admin, own)
    named = {several.pid, *(other.pid for other in several.others)}
    assert (several.certainty, named) == (
        "Probable",
        {one.get_server_pid(), two.get_server_pid()},
    )


@pytest.mark.rule("30")
async def test_an_admin_who_may_not_look_says_so(database: Database) -> None:
    stranger = await database.connect(database.owner)
    actor = await likely_actor(stranger, [])
    assert actor.certainty == "Unknown"
