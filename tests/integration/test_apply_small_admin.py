"""The same with an admin that is no superuser, only CREATEROLE and CREATEDB."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from regent.changes import AlterRole, DropRole, Effect, EndSessions, SetPassword
from regent.home.store import Home
from regent.server.connections import Connections
from shared import scram
from tests.integration.test_apply import Bench, create, grant
from tests.integration.test_home import REGENT, connector_of
from tests.postgres.database import Database

pytestmark = pytest.mark.every_version


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    await database.execute(
        "CREATE ROLE small LOGIN CREATEROLE CREATEDB PASSWORD 'x'; GRANT app_owner TO small"
    )
    connector = connector_of(database.server, "small", "x")
    home = await Home.open(connector, regent=REGENT, through=("mydb",))
    one = Bench(database, home, Connections(connector), await database.connect())
    yield one
    await home.close()
    await one.connections.close()


@pytest.mark.rule("27")
async def test_it_makes_grants_to_and_drops_its_roles(bench: Bench) -> None:
    objects = await bench.objects("schema1.flights", "schema1.departures", "schema1.routes")
    results = await bench.apply(
        create("a"),
        SetPassword("a", scram.build("secret")),
        AlterRole("a", Effect.OPEN, login=True),
        grant(objects, "a"),
    )
    assert all(result.done for result in results), results
    assert await bench.can_select("a", "schema1.routes")
    dropped = (await bench.apply(AlterRole("a", Effect.CLOSE, login=False), DropRole("a")))[-1]
    assert dropped.done, dropped
    assert await bench.marks() == {}


@pytest.mark.fact("PG-ROLE-18")
@pytest.mark.rule("24")
@pytest.mark.versions(16, 17, 18)
async def test_where_it_may_not_end_sessions_it_says_what_to_grant(bench: Bench) -> None:
    """Before 16 CREATEROLE may grant any role, and so end the sessions of any."""
    await bench.database.execute("CREATE ROLE alien LOGIN PASSWORD 'y'")
    session = await bench.database.connect("alien", "y")
    [result] = await bench.apply(EndSessions("alien", "a test"))
    assert not result.done
    assert "pg_signal_backend" in result.way_out
    assert await session.fetchval("SELECT 1") == 1
    await bench.database.execute("GRANT pg_signal_backend TO small")
    [result] = await bench.apply(EndSessions("alien", "a test"))
    assert result.done, result


@pytest.mark.rule("21")
async def test_what_it_may_not_grant_on_is_refused_alone_with_the_way_out(bench: Bench) -> None:
    await bench.database.execute("CREATE TABLE schema1.foreign_to_us (i int)")
    await bench.apply(create("a"))
    objects = await bench.objects("schema1.flights", "schema1.foreign_to_us")
    [result] = await bench.apply(grant(objects, "a"))
    assert result.sqlstate == "42501"
    assert "Run GRANT" in result.message or "is a superuser: run GRANT" in result.message
    assert result.way_out == ""
    assert [part.objects for part in result.remaining] == [objects[1:]]  # type: ignore[union-attr]
    assert await bench.can_select("a", "schema1.flights")
