"""The home database: how it comes into being, and what it remembers (rule 5)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg
import pytest

from regent.home.check import HomeDatabaseUnsafe
from regent.home.store import Home, HomeDatabaseMissing, HomeIsShared
from regent.remembered import AcceptedState, BrakeMemory, Census, Loss, Unmanageable
from regent.server.address import ServerAddress
from regent.server.connect import Connector
from shared.outcomes import Actor, Drift
from shared.state import DesiredState, PasswordEntry, UserEntry, Verifier
from tests.declared import NOON
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer

pytestmark = pytest.mark.rule("5")
REGENT = "default/my-regent"
VERIFIER = "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0$c3RvcmVk:c2VydmVy"


def connector_of(server: PostgresServer, user: str = "my-admin", password: str = "") -> Connector:
    async def secret() -> str:
        return password or server.password_of(user) or ""

    return Connector(ServerAddress(server.host, server.port, user), secret)


async def open_home(server: PostgresServer, regent: str = REGENT) -> Home:
    return await Home.open(connector_of(server), regent=regent, through=("mydb",))


def accepted() -> AcceptedState:
    state = DesiredState.model_validate(
        {
            "origin": "directory",
            "revision": 7,
            "regent": {
                "namespace": "default",
                "name": "my-regent",
                "spec": {
                    "adminUser": "my-admin",
                    "adminPasswordSecretRef": {"name": "s", "key": "k"},
                    "databaseHost": "localhost",
                    "databaseName": "mydb",
                },
            },
            "resources": {
                "User/default/ann": UserEntry.model_validate(
                    {
                        "spec": {"database": "mydb"},
                        "password": PasswordEntry(verifier=Verifier(VERIFIER)),
                    }
                )
            },
        }
    )
    return AcceptedState(push_etag="etag", accepted_at=datetime.now(UTC), state=state)


def drift(what: str) -> Drift:
    return Drift(
        regent=REGENT,
        what=what,
        found_at=datetime.now(UTC),
        actor=Actor(certainty="Unknown", why_not="a test"),
    )


@pytest.mark.every_version
async def test_it_is_made_closed_to_everybody_and_owned_by_a_role_that_cannot_log_in(
    database: Database,
) -> None:
    home = await open_home(database.server)
    look = await database.connect()
    row = await look.fetchrow(
        "SELECT pg_get_userbyid(datdba) AS owner, datacl::text AS acl, "
        "has_database_privilege('app_owner', datname, 'CONNECT') AS anybody "
        "FROM pg_database WHERE datname = 'postgregent'"
    )
    assert row is not None
    assert row["owner"] == "postgregent_owner"
    assert row["anybody"] is False
    assert not await look.fetchval(
        "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'postgregent_owner'"
    )
    await home.close()


@pytest.mark.every_version
async def test_an_admin_that_is_no_superuser_makes_it_too(database: Database) -> None:
    await database.execute("CREATE ROLE small LOGIN CREATEROLE CREATEDB PASSWORD 'x'")
    home = await Home.open(connector_of(database.server, "small", "x"), regent=REGENT)
    await home.store_system_identifier("42")
    assert (await home.load()).system_identifier == "42"
    await home.close()


async def test_an_admin_that_may_not_is_told_the_sql_to_run_and_it_works(
    database: Database,
) -> None:
    await database.execute("CREATE ROLE weak LOGIN PASSWORD 'x'")
    connector = connector_of(database.server, "weak", "x")
    with pytest.raises(HomeDatabaseMissing) as refused:
        await Home.open(connector, regent=REGENT)
    assert "CREATEDB" in refused.value.message
    for statement in refused.value.way_out.partition(": ")[2].split("; "):
        await database.execute(statement)
    home = await Home.open(connector, regent=REGENT)
    assert (await home.load()).accepted is None
    await home.close()


async def test_one_of_the_first_version_gets_what_is_new(database: Database) -> None:
    home = await open_home(database.server)
    await home.store_accepted(accepted())
    await home.close()
    older = await database.server.connect("postgregent")
    await older.execute(
        "DROP TABLE postgregent.belongings, postgregent.unmanaged, postgregent.pauses CASCADE;"
        "DROP FUNCTION postgregent.pause, postgregent.resume;"
        "ALTER TABLE postgregent.regents DROP COLUMN unmanaged_since;"
        "DELETE FROM postgregent.migrations WHERE number > 1"
    )
    await older.close()
    found = await Home.find(connector_of(database.server), regent=REGENT)
    assert found is not None
    assert found.census == Census()
    home = await open_home(database.server)
    assert (await home.load()).accepted is not None
    assert await home.belongings("nobody", datetime.now(UTC)) == frozenset()
    await home.close()


async def test_parts_of_a_later_version_in_an_older_one_are_named(database: Database) -> None:
    home = await open_home(database.server)
    await home.close()
    older = await database.server.connect("postgregent")
    await older.execute(
        "DROP TABLE postgregent.belongings, postgregent.unmanaged;"
        "ALTER TABLE postgregent.regents DROP COLUMN unmanaged_since"
    )
    await older.close()
    with pytest.raises(HomeDatabaseUnsafe, match=r"it has .*postgregent\.pause"):
        await open_home(database.server)


async def test_two_that_start_at_once_make_one(database: Database) -> None:
    names = [f"default/r{number}" for number in range(4)]
    homes = await asyncio.gather(*(open_home(database.server, name) for name in names))
    await asyncio.gather(*(home.store_system_identifier(home.regent) for home in homes))
    assert [(await home.load()).system_identifier for home in homes] == names
    for home in homes:
        await home.close()


async def test_finding_makes_nothing(database: Database) -> None:
    assert await Home.find(connector_of(database.server), regent=REGENT) is None
    look = await database.connect()
    assert not await look.fetchval("SELECT FROM pg_database WHERE datname = 'postgregent'")
    assert not await look.fetchval("SELECT FROM pg_roles WHERE rolname = 'postgregent_owner'")


async def test_what_was_accepted_comes_back_whole_with_its_verifiers(database: Database) -> None:
    home = await open_home(database.server)
    stored, brake = (
        accepted().model_copy(update={"edition": 1}),
        BrakeMemory(taken=((datetime.now(UTC), Loss(role="a", kind="TABLE", privilege="SELECT")),)),
    )
    await home.store_accepted(stored)
    await home.store_brake(brake)
    await home.close()
    found = await Home.find(connector_of(database.server), regent=REGENT)
    assert found is not None
    assert found.accepted == stored
    assert found.brake == brake
    user = found.accepted.state.resources["User/default/ann"]
    assert isinstance(user, UserEntry)
    assert user.password is not None
    assert user.password.verifier == Verifier(VERIFIER)


async def test_a_connection_that_was_ended_is_opened_again(database: Database) -> None:
    home = await open_home(database.server)
    async with home.connection() as connection:
        pid = connection.get_server_pid()
    look = await database.connect()
    await look.execute("SELECT pg_terminate_backend($1)", pid)
    await home.store_system_identifier("7")
    assert (await home.load()).system_identifier == "7"
    await home.close()


@pytest.mark.rule("30")
async def test_history_is_kept_in_order_each_regent_its_own_and_bounded(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regent.home.store.HISTORY_LIMIT", 50)
    mine, other = await open_home(database.server), await open_home(database.server, "b/b")
    await other.record_drift([drift("theirs")])
    ids = await mine.record_drift([drift("one"), drift("two")])
    assert [d.what for d in await mine.history()] == ["one", "two"]
    assert [d.id for d in await mine.history(after=ids[0])] == [ids[1]]
    first = (await mine.outstanding())[0]
    await mine.settle_drift([first.model_copy(update={"corrected_at": datetime.now(UTC)})])
    assert [d.what for d in await mine.outstanding()] == ["two"]
    for _ in range(3):
        await mine.record_drift([drift(str(number)) for number in range(100)])
    kept = await mine.history()
    assert 50 <= len(kept) <= 150
    assert kept[-1].what == "99"
    assert [d.what for d in await other.history()] == ["theirs"]
    await mine.close()
    await other.close()


@pytest.mark.rule("21")
async def test_what_can_never_succeed_is_remembered_until_it_is_forgotten(
    database: Database,
) -> None:
    home = await open_home(database.server)
    told = {
        "a": Unmanageable("a", "54000", "row is too big", NOON),
        "b": Unmanageable("b", "42501", "no. Run GRANT x TO y;", NOON, is_helped=True),
    }
    await home.remember_unmanageable(told)
    kept = await home.unmanageable()
    assert {key: replace(one, found_at=NOON) for key, one in kept.items()} == told
    await home.forget_unmanageable(["a"])
    assert set(await home.unmanageable()) == {"b"}
    await home.forget_unmanageable()
    assert not await home.unmanageable()
    await home.close()


async def test_it_is_not_dropped_while_another_regent_needs_it(database: Database) -> None:
    mine, other = await open_home(database.server), await open_home(database.server, "b/b")
    await other.store_system_identifier("1")
    with pytest.raises(HomeIsShared, match="b/b"):
        await mine.drop()
    await other.forget_regent()
    await mine.drop()
    look = await database.connect()
    assert not await look.fetchval("SELECT FROM pg_database WHERE datname = 'postgregent'")
    assert not await look.fetchval("SELECT FROM pg_roles WHERE rolname = 'postgregent_owner'")
    await other.close()


async def test_nobody_else_can_read_the_verifiers(database: Database) -> None:
    home = await open_home(database.server)
    await home.store_accepted(accepted())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.server.connect("postgregent", "app_owner")
    await home.close()


@pytest.mark.rule("11", "28a")
@pytest.mark.versions(15, 18)
@pytest.mark.found("E183")
async def test_roles_that_are_remembered_by_one_name_let_a_server_be_accepted(
    database: Database,
) -> None:
    """As after a rename; of the two the one that was disabled is meant. And once more then."""
    await database.execute("CREATE ROLE bob LOGIN")
    oid = await (await database.connect()).fetchval("SELECT 'bob'::regrole::oid")
    home = await open_home(database.server)
    await home.note_unmanaged({1: "bob", 2: "bob", 3: "gone"}, None, None)
    async with home.connection() as connection:
        await connection.execute(
            "UPDATE postgregent.unmanaged SET disabled_at = now() WHERE role_oid = 1"
        )
    for identifier in ("2", "3"):
        await home.accept_server(identifier)
        noticed = {one.role_oid: one for one in (await home.census()).noticed}
        assert len(noticed) == 3
        assert noticed[oid].disabled_at is not None
    await home.close()
