"""A role whose correction is paused: what is done to it by hand stays, and is said (rule 26)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.ahead import Ahead
from tests.command import flights, postgregent
from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.integration.facts.once import applied, outcome
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = [pytest.mark.rule("26"), pytest.mark.found("E207")]
BY_HAND = """
ALTER ROLE "mydb-viewer" CREATEDB CONNECTION LIMIT 7;
ALTER ROLE "mydb-viewer" SET work_mem = '64MB';
GRANT DELETE ON schema1.flights TO "mydb-viewer";
REVOKE SELECT ON schema1.flights FROM "mydb-viewer";
GRANT "flights-admin" TO "mydb-viewer";
CREATE ROLE helper;
GRANT "mydb-viewer" TO helper;
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA schema1
    GRANT INSERT ON TABLES TO "mydb-viewer";
"""
AS_IT_IS = """
SELECT r.rolcreatedb, r.rolconnlimit, s.setconfig,
    has_table_privilege(r.oid, 'schema1.flights', 'DELETE') AS may_delete,
    EXISTS (
        SELECT FROM pg_class AS c, aclexplode(c.relacl) AS a
        WHERE c.oid = 'schema1.flights'::regclass AND a.grantee = r.oid
            AND a.privilege_type = 'SELECT'
    ) AS may_select,
    pg_has_role(r.oid, 'flights-admin', 'MEMBER') AS is_admin,
    pg_has_role('helper', r.oid, 'MEMBER') AS has_helper
FROM pg_roles AS r LEFT JOIN pg_db_role_setting AS s ON s.setrole = r.oid
WHERE r.rolname = 'mydb-viewer'
"""


async def home_of(database: Database) -> asyncpg.Connection:
    """Who is on call, in the home database; closed by the caller."""
    return await database.server.connect("postgregent")


async def call(database: Database, function: str, *values: Any) -> Any:
    """One of the two functions, as the admin."""
    connection = await home_of(database)
    try:
        return await connection.fetchval(f"SELECT postgregent.{function}", *values)
    finally:
        await connection.close()


async def seen(look: asyncpg.Connection) -> tuple[Any, ...]:
    """The role as it is."""
    row = await look.fetchrow(AS_IT_IS)
    assert row is not None
    return tuple(row)


async def pause(database: Database, role: str = "mydb-viewer", interval: str = "1 hour") -> None:
    await call(database, f"pause($1, '{interval}', 'page 4711')", role)


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_what_is_done_by_hand_stays_is_said_and_is_corrected_at_the_end(
    database: Database,
) -> None:
    await applied(database, REFERENCE)
    look = await database.connect()
    await pause(database)
    await look.execute(BY_HAND)
    by_hand = await seen(look)
    report = await applied(database, REFERENCE, revision=2)
    assert await seen(look) == by_hand
    assert report.to_do == ()
    said = outcome(report, "Role/mydb-viewer")
    assert (said.state, said.reason) == ("Reconciling", "Paused")
    assert "page 4711" in said.message
    assert "by my-admin" in said.message
    assert "postgregent resume mydb-viewer" in said.message
    # Everybody else is corrected meanwhile.
    await look.execute('ALTER ROLE "flights-admin" CREATEDB')
    await applied(database, REFERENCE, revision=3)
    assert not await look.fetchval(
        "SELECT rolcreatedb FROM pg_roles WHERE rolname = 'flights-admin'"
    )
    assert await seen(look) == by_hand
    assert await call(database, "resume('mydb-viewer')") is True
    await applied(database, REFERENCE, revision=4)
    assert await seen(look) == (False, -1, None, False, True, False, False)
    report = await applied(database, REFERENCE, revision=5)
    assert report.plan.is_empty
    assert {one.state for one in report.outcomes} == {"Ready"}


@pytest.mark.found("E258")
@pytest.mark.versions(18)
async def test_whether_a_pause_is_over_is_asked_of_the_servers_clock(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `postgregent.pause()` said until when by that one."""
    await applied(database, REFERENCE)
    look = await database.connect()
    await pause(database)
    await look.execute(BY_HAND)
    by_hand = await seen(look)
    monkeypatch.setattr("regent.passes.full.datetime", Ahead)
    report = await applied(database, REFERENCE, revision=2)
    assert await seen(look) == by_hand
    assert outcome(report, "Role/mydb-viewer").reason == "Paused"
    home = await home_of(database)
    await home.execute("UPDATE postgregent.pauses SET until = clock_timestamp()")
    await home.close()
    assert (await applied(database, REFERENCE, revision=3)).plan.changes
    assert await seen(look) == (False, -1, None, False, True, False, False)


READS = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'SELECT')"
PULLED = {"brake": {"minimum": 1, "percent": 1}}


@pytest.mark.versions(18)
async def test_the_brake_judges_a_push_for_it_at_once(database: Database) -> None:
    """What a mistake in Git takes is not lost unseen because somebody paused the role meanwhile."""
    await applied(database, REFERENCE, regent=PULLED)
    look = await database.connect()
    await pause(database)
    typo = REFERENCE.replace("[schema1, schema2]", "[shcema1, shcema2]")
    report = await applied(database, typo, revision=2, regent=PULLED)
    assert report.brake is not None
    assert report.brake.pulled
    assert await look.fetchval(READS)
    await call(database, "resume('mydb-viewer')")
    report = await applied(database, typo, revision=3, regent=PULLED)
    assert report.brake is not None
    assert report.brake.pulled
    assert await look.fetchval(READS)
    await applied(database, REFERENCE, revision=4, regent=PULLED)


@pytest.mark.versions(18)
async def test_the_oid_is_paused_and_not_the_name(database: Database) -> None:
    """Renamed by hand it stays paused, and gets its name back; another one of its name is not."""
    await applied(database, REFERENCE)
    look = await database.connect()
    await pause(database)
    await look.execute('ALTER ROLE "mydb-viewer" CREATEDB; ALTER ROLE "mydb-viewer" RENAME TO v2')
    report = await applied(database, REFERENCE, revision=2)
    assert await look.fetchval("SELECT rolcreatedb FROM pg_roles WHERE rolname = 'mydb-viewer'")
    assert outcome(report, "Role/mydb-viewer").reason == "Paused"
    await look.execute(
        'DROP OWNED BY "mydb-viewer"; DROP ROLE "mydb-viewer"; CREATE ROLE "mydb-viewer" CREATEDB'
    )
    await applied(database, REFERENCE, revision=3)
    assert not await look.fetchval("SELECT rolcreatedb FROM pg_roles WHERE rolname = 'mydb-viewer'")


@pytest.mark.versions(18)
async def test_it_ends_by_itself(database: Database) -> None:
    await applied(database, REFERENCE)
    look = await database.connect()
    await pause(database, interval="1 millisecond")
    await look.execute('ALTER ROLE "mydb-viewer" CREATEDB')
    report = await applied(database, REFERENCE, revision=2)
    assert outcome(report, "Role/mydb-viewer").is_ready
    assert not await look.fetchval("SELECT rolcreatedb FROM pg_roles WHERE rolname = 'mydb-viewer'")


@pytest.mark.versions(18)
@pytest.mark.found("E288", "E324")
async def test_a_regent_wakes_by_it_tells_it_everywhere_and_keeps_it_over_a_restart(
    database: Database, tmp_path: Path
) -> None:
    """And a role that nobody declares, and that Disable put out, is left with the LOGIN it got."""
    look = await database.connect()
    await look.execute("CREATE ROLE rescue")
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE, regent={"unmanagedRoles": "Disable"}))
        await regent.settled(1)
        await pause(database)
        await pause(database, "rescue")

        async def are_paused(count: int) -> bool:
            return len((await regent.status())["paused"]) == count

        await eventually(lambda: are_paused(2))
        await look.execute(f"{BY_HAND}; ALTER ROLE rescue LOGIN")

        async def is_told() -> bool:
            found = {one["role"]: one["held"] for one in (await regent.status())["paused"]}
            return bool(found["mydb-viewer"] >= 5 and found["rescue"] >= 1)

        await eventually(is_told)
        by_hand = await seen(look)
        regent.kill()
        regent.start()
        await regent.ready()
        await regent.settled(1)
        await eventually(lambda: are_paused(2))
        status = await regent.status()
        assert await seen(look) == by_hand
        assert await look.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'rescue'")
        one = next(one for one in status["paused"] if one["role"] == "mydb-viewer")
        assert (one["by"], one["reason"]) == ("my-admin", "page 4711")
        assert one["resources"] == ["Role/default/mydb-viewer"]
        assert status["outstandingDrift"] >= 5
        said = {one["resource"]: one["reason"] for one in status["resources"]}
        assert said["Role/default/mydb-viewer"] == "Paused"
        metrics = (await regent.ask("GET", "/metrics")).text
        assert "postgregent_paused_roles 2.0" in metrics
        plan = (await regent.ask("POST", "/v1/plan")).json()
        assert plan["changes"] == []
        assert len(plan["paused"]) == 2
        history = (await regent.ask("GET", "/v1/history")).json()["items"]
        told = [one for one in history if one["correction"] == "paused"]
        assert {one["role"]: one["actor"]["sessionUser"] for one in told} == {
            "mydb-viewer": "my-admin",
            "rescue": "my-admin",
        }
        assert len(told) == 2
        waits = [one for one in history if one["error"].startswith("paused until")]
        assert any("DELETE on table schema1.flights was granted" in one["deed"] for one in waits)
        before = history[-1]["id"]
        await call(database, "resume('mydb-viewer')")

        async def is_corrected() -> bool:
            return (await seen(look))[:2] == (False, -1)

        await eventually(is_corrected)
        await eventually(lambda: are_paused(1))

        async def is_told_to_be_done() -> bool:
            found = (await regent.ask("GET", "/v1/history")).json()["items"]
            (one,) = (one for one in found if "DELETE on table" in one["deed"])
            is_news = one["id"] > before and one["correctedAt"] is not None
            return bool(is_news and one["correction"] == "revoked" and not one["error"])

        await eventually(is_told_to_be_done)


@pytest.mark.versions(18)
@pytest.mark.found("E242")
@pytest.mark.found("E243")
@pytest.mark.found("E244")
async def test_the_command_pauses_lists_and_resumes_and_a_plan_says_what_waits(
    database: Database, tmp_path: Path
) -> None:
    folder, dsn = str(flights(tmp_path)), ("--dsn", database.dsn())
    missing = await postgregent("pause", "mydb-viewer", "--reason", "x", *dsn)
    assert missing.status == 1
    assert "There is no home database" in missing.err
    assert (await postgregent("apply", folder, *dsn)).status == 0
    unknown = await postgregent("pause", "nobody", "--reason", "x", *dsn)
    assert unknown.status == 1
    assert "There is no role nobody, so it cannot be paused." in unknown.err
    for wrong in (["--for", "3 days"], ["--for", ""], ["--list"]):
        asked = ("pause", "mydb-viewer", "--reason", "x", *wrong, *dsn)
        assert (await postgregent(*asked)).status == 1
    await database.execute("CREATE ROLE nobodys LOGIN PASSWORD 'by-hand'")
    someone = database.dsn().partition("@")[2]
    stranger = ("--dsn", f"postgresql://nobodys:by-hand@{someone}")
    barred = await postgregent("pause", "mydb-viewer", "--reason", "x", *stranger)
    assert barred.status == 1
    assert "'nobodys' may not connect to the home database" in barred.err
    assert "GRANT" not in barred.err
    for held_by_none in ("nobodys", "my-admin", "pg_monitor", "postgregent_owner"):
        refused = await postgregent("pause", held_by_none, "--reason", "x", *dsn)
        assert refused.status == 1
        assert f"'{held_by_none}'" in refused.err
    assert "--home-database" in (await postgregent("pause", "nobodys", "--reason", "x", *dsn)).err
    assert "Nobody is paused." in (await postgregent("pause", "--list", *dsn)).out
    asked = ("pause", "mydb-viewer", "--for", "1h30m", "--reason", "page 4711", *dsn)
    paused = await postgregent(*asked)
    assert paused.status == 0
    assert "postgregent resume mydb-viewer" in paused.out
    assert (await postgregent("plan", folder, *dsn)).status == 0
    await database.execute('ALTER ROLE "mydb-viewer" CREATEDB')
    plan = await postgregent("plan", folder, *dsn)
    assert plan.status == 2
    assert "by my-admin: page 4711. It would" in plan.out
    assert "  - alter role mydb-viewer: NOCREATEDB" in plan.out
    assert "Plan: nothing to do now; 1 change waits for the end of a pause" in plan.out
    data = (await postgregent("plan", folder, *dsn, "-o", "json")).data()
    assert data["changes"] == []
    assert [(one["role"], one["held"]) for one in data["paused"]] == [("mydb-viewer", 1)]
    assert data["paused"][0]["waiting"][0]["what"] == "alter role mydb-viewer: NOCREATEDB"
    listed = await postgregent("pause", "--list", *dsn, "-o", "json")
    (one,) = listed.data()["paused"]
    assert (one["role"], one["by"], one["reason"]) == ("mydb-viewer", "my-admin", "page 4711")
    assert (await postgregent("apply", folder, *dsn)).status == 3
    assert "In place of the pause until" in (await postgregent(*asked)).out
    over = (await postgregent("resume", "mydb-viewer", *dsn)).out
    assert "does not run now: its next pass, or apply, corrects what differs." in over
    assert (await postgregent(*asked)).status == 0
    for was_paused in (True, False):
        resumed = await postgregent("resume", "mydb-viewer", *dsn, "-o", "json")
        assert (resumed.status, resumed.data()["wasPaused"]) == (0, was_paused)
    assert "Nobody is paused." in (await postgregent("pause", "--list", *dsn)).out
    assert (await postgregent("apply", folder, *dsn)).status == 0
    assert (await postgregent("plan", folder, *dsn)).status == 0
