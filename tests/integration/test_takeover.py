"""Whom a Regent obeys, and how a person lets it obey somebody else (rule 28a)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from regent.answers import TakeoverNeeded, TokenMismatch
from regent.home.store import Home
from regent.one_shot import apply_once, plan_once
from regent.settings import connector_of
from shared.consent import Consent
from shared.http import HAD_DISABLED_HEADER, HAD_STATE_HEADER
from shared.state import DesiredState
from tests.daemons import Regent, running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.integration.facts.once import all_ready, outcome
from tests.postgres.clusters import cluster
from tests.postgres.database import Database, flights
from tests.postgres.server import PostgresServer
from tests.settings import settings_for

pytestmark = pytest.mark.rule("28a")
READS = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'SELECT')"
TAKE = 'REVOKE SELECT ON schema1.flights FROM "mydb-viewer"'
LOGS_IN = "SELECT count(*) FROM pg_roles WHERE rolname = 'summer-intern-2' AND rolcanlogin"
FOREIGN = state(REFERENCE, revision=2).model_copy(update={"origin": "another"})


async def needed(regent: Regent) -> str:
    """The token, once it says that it needs one."""
    found: dict[str, Any] = {}

    async def it_needs_one() -> bool:
        found.update(await regent.status())
        reasons = {one["reason"] for one in found["resources"]}
        return bool(found["takeover"]["needed"]) and reasons == {"TakeoverNeeded"}

    await eventually(it_needs_one)
    token: str = found["takeover"]["token"]
    assert token in found["takeover"]["message"]
    assert found["observing"] == found["takeover"]["message"]
    return token


async def accept(regent: Regent, token: str) -> int:
    answer = await regent.ask("POST", "/v1/takeover/accept", json={"token": token})
    return answer.status_code


async def as_declared(regent: Regent, *, brake: bool = False) -> None:
    """Everything is Ready, and another pass would do nothing."""

    async def it_is() -> bool:
        status = await regent.status()
        if brake and status["brake"]["pulled"]:
            digest = status["brake"]["digest"]
            await regent.ask("POST", "/v1/brake/release", json={"digest": digest})
        return {one["reason"] for one in status["resources"]} == {"Applied"}

    await eventually(it_is)
    assert not (await regent.status())["takeover"]["needed"]
    plan = (await regent.ask("POST", "/v1/plan")).json()
    assert plan["changes"] == []


async def drop_home(database: Database) -> None:
    maintenance = await database.server.connect()
    await maintenance.execute("DROP DATABASE postgregent WITH (FORCE)")
    await maintenance.close()


async def copy_of_home(source: PostgresServer, target: Database) -> None:
    """As a dump of the home database, restored there: every row, oids of roles as they were."""
    settings = settings_for(target)
    home = await Home.open(connector_of(settings.server), regent=settings.regent)
    await home.close()
    old, new = await source.connect("postgregent"), await target.server.connect("postgregent")
    for table in ("regents", "marks"):
        rows = await old.fetch(f"SELECT t.* FROM postgregent.{table} AS t")
        places = ", ".join(f"${n + 1}" for n in range(len(rows[0])))
        await new.executemany(
            f"INSERT INTO postgregent.{table} VALUES ({places})", map(tuple, rows)
        )
    await old.close()
    await new.close()


@pytest.fixture
def elsewhere() -> Iterator[PostgresServer]:
    """A server that was initialised by itself: nothing is shared with the one of the test."""
    other = PostgresServer.launch(cluster(17))
    yield other
    other.discard()


@pytest.mark.rule("8")
@pytest.mark.versions(18)
async def test_another_server_is_written_to_once_it_is_accepted(
    database: Database, elsewhere: PostgresServer, tmp_path: Path
) -> None:
    """Its own roles keep their names, though a mark knows the oid of one of them."""
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
    async with flights(elsewhere) as other:
        await other.execute("CREATE ROLE billing")
        await copy_of_home(database.server, other)
        home = await elsewhere.connect("postgregent")
        await home.execute(
            "UPDATE postgregent.marks SET role_oid = 'billing'::regrole WHERE role = 'mydb-viewer'"
        )
        (tmp_path / "other").mkdir()
        async with running(settings_for(other), tmp_path / "other") as regent:
            token = await needed(regent)
            assert await accept(regent, "0" * 16) == 409
            look = await other.connect()
            declared = "SELECT count(*) FROM pg_roles WHERE rolname = 'mydb-viewer'"
            assert await look.fetchval(declared) == 0
            status = await regent.status()
            known = await home.fetchval("SELECT system_identifier FROM postgregent.regents")
            assert status["systemIdentifier"] == known, "until it is accepted"
            assert await accept(regent, token) == 202
            await as_declared(regent)
            assert await look.fetchval(READS)
            assert await look.fetchval("SELECT 'billing'::regrole IS NOT NULL")
            is_known = "SELECT system_identifier = $1 FROM postgregent.regents"
            now = (await regent.status())["systemIdentifier"]
            assert now != known
            assert await home.fetchval(is_known, now)
            stale = (
                "SELECT count(*) FROM postgregent.marks AS m"
                " LEFT JOIN pg_roles AS r ON r.oid = m.role_oid AND r.rolname = m.role"
                " WHERE r.oid IS NULL"
            )
            assert await home.fetchval(stale) == 0
            assert await accept(regent, token) == 409, "it is good for once"
        await home.close()


@pytest.mark.versions(18)
async def test_another_source_is_let_in_by_a_person(database: Database, tmp_path: Path) -> None:
    """Until then nothing is written, and neither push nor restart changes that."""
    settings = settings_for(database)
    look = await database.connect()
    async with running(settings, tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        answer = await regent.push(FOREIGN)
        assert (answer.status_code, answer.json()["reason"]) == (409, "TakeoverNeeded")
        token = await needed(regent)
        assert token in answer.json()["wayOut"]
        await look.execute(TAKE)
        await regent.ask("POST", "/v1/reconcile")
        await regent.drifts(1)
        assert not await look.fetchval(READS)
        assert await accept(regent, "0" * 16) == 409
        assert (await regent.push(FOREIGN)).status_code == 409
        assert await accept(regent, token) == 202
        regent.stop()
        regent.start()
        await regent.ready()
        assert (await regent.push(FOREIGN)).status_code == 202
        await as_declared(regent)
        third = FOREIGN.model_copy(update={"origin": "a third"})
        assert (await regent.push(third)).status_code == 409, "only that one was let in"
        await needed(regent)
        assert (await regent.push(FOREIGN)).status_code == 202, "this ends the doubt"
        await as_declared(regent)
        assert await look.fetchval(READS)
        back = await regent.push(state(REFERENCE, revision=3))
        assert back.status_code == 409


@pytest.mark.found("E142")
@pytest.mark.versions(18)
async def test_a_push_that_waits_for_a_person_is_known_after_the_connection_has_ended(
    database: Database, tmp_path: Path
) -> None:
    """What proved that somebody else pushes is as true on the next connection."""
    look = await database.connect()
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        assert (await regent.push(FOREIGN)).status_code == 409
        token = await needed(regent)
        lives = regent.log.count("connected")
        await look.execute(TAKE)
        await look.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND application_name LIKE 'postgregent%'"
        )

        async def it_is_connected_again() -> bool:
            return regent.log.count("connected") > lives and bool((await regent.status())["looked"])

        await eventually(it_is_connected_again)
        assert await needed(regent) == token
        assert not await look.fetchval(READS)


@pytest.mark.versions(18)
async def test_a_process_of_another_cluster_only_looks_before_its_first_push(
    database: Database, tmp_path: Path
) -> None:
    """Nobody knows how long the cluster that the accepted state came from has been gone."""
    settings = settings_for(database)
    look = await database.connect()
    async with running(settings, tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        etag = regent.etag
    await look.execute(TAKE)
    settings = settings.model_copy(update={"origin": "another"})
    async with running(settings, tmp_path) as regent:
        token = await needed(regent)
        assert not await look.fetchval(READS)
        assert await accept(regent, token) == 202
        regent.etag = etag
        assert (await regent.push(FOREIGN)).status_code == 202
        await as_declared(regent)
        assert await look.fetchval(READS)


def seen(text: str, **more: Any) -> DesiredState:
    """As a cluster's controller sends it: every object with its uid."""
    pushed = state(text, absent_means="Vanished", **more)
    entries = {
        key: entry.model_copy(update={"uid": f"uid of {key}"})
        for key, entry in pushed.resources.items()
    }
    return pushed.model_copy(update={"resources": entries})


@pytest.mark.versions(18)
async def test_a_restored_api_server_brings_no_leaver_back_unless_it_is_accepted(
    database: Database, tmp_path: Path
) -> None:
    """The push is refused whole; deleting the leaver again is another way out."""
    look = await database.connect()
    left = REFERENCE.replace("User/summer-intern-2: {roles: [mydb-viewer]}\n", "")
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(seen(REFERENCE))
        await regent.settled(1)
        gone = seen(left, deleted=("User/default/summer-intern-2",), revision=2)
        await regent.push(gone)
        await regent.settled(2)
        assert await look.fetchval(LOGS_IN) == 0
        answer = await regent.push(seen(REFERENCE, revision=3))
        assert answer.status_code == 409
        assert "User/default/summer-intern-2 was deleted by" in answer.json()["detail"]
        token = await needed(regent)
        said = {one["resource"]: one for one in (await regent.status())["resources"]}
        assert said["User/default/summer-intern-2"]["reason"] == "TakeoverNeeded"
        assert await look.fetchval(LOGS_IN) == 0
        assert (await regent.push(gone)).status_code == 202, "it was deleted again"
        await as_declared(regent)
        assert await accept(regent, token) == 409
        assert (await regent.push(seen(REFERENCE, revision=4))).status_code == 409
        assert await needed(regent) == token
        assert await accept(regent, token) == 202
        assert (await regent.push(seen(REFERENCE, revision=5))).status_code == 202
        await as_declared(regent)
        assert await look.fetchval(LOGS_IN) == 1


@pytest.mark.rule("10", "20")
async def test_a_home_database_that_is_gone_gives_its_names_back_by_one_token(
    database: Database, tmp_path: Path
) -> None:
    """Nothing is written before; what somebody did meanwhile is taken away after, once."""
    look = await database.connect()
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        server = (await regent.settled(1))["systemIdentifier"]
        await drop_home(database)

        async def it_forgot() -> bool:
            return (await regent.status()).get("acceptedRevision") is None

        await eventually(it_forgot)
        await regent.ready()
        await look.execute(TAKE)
        await look.execute('GRANT INSERT ON schema1.flights TO "mydb-viewer"')
        regent.etag = None
        more = {HAD_STATE_HEADER: server}
        assert (await regent.push(state(REFERENCE, revision=2), **more)).status_code == 202
        token = await needed(regent)
        assert not await look.fetchval(READS)
        plan = (await regent.ask("POST", "/v1/plan")).json()
        assert any("INSERT" in one["what"] for one in plan["changes"]), "it shows what would go"
        regent.stop()
        regent.start()
        await regent.ready()
        assert await needed(regent) == token
        assert await accept(regent, token) == 202
        await as_declared(regent, brake=True)
        assert await look.fetchval(READS)
        wrote = READS.replace("'SELECT'", "'INSERT'")
        assert not await look.fetchval(wrote)
        await look.execute("CREATE ROLE stranger")
        text = REFERENCE + "Role/stranger: {database: mydb}\n"
        await regent.push(state(text, revision=3))
        await regent.settled(3)
        said = {one["resource"]: one["reason"] for one in (await regent.status())["resources"]}
        assert said["Role/default/stranger"] == "ExistsUnmanaged"


@pytest.mark.found("E231")
@pytest.mark.rule("11")
@pytest.mark.versions(15)
async def test_whom_a_lost_home_database_had_disabled_is_named_and_gets_login_back(
    database: Database, tmp_path: Path
) -> None:
    """Seen: not in any list, and without LOGIN for ever, `Ignore` or not."""
    await database.execute("CREATE ROLE eve NOLOGIN; CREATE ROLE walter LOGIN")
    look = await database.connect()
    logs_in = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1"
    async with running(settings_for(database), tmp_path) as regent:
        more = {HAD_STATE_HEADER: "unknown", HAD_DISABLED_HEADER: '["eve", "walter", "gone"]'}
        disable = {"unmanagedRoles": "Report"}
        answer = await regent.push(state(REFERENCE, regent=disable), **more)
        assert answer.status_code == 202
        token = await needed(regent)
        assert "eve" in (await regent.status())["takeover"]["message"]
        assert not await look.fetchval(logs_in, "eve")
        assert await accept(regent, token) == 202
        await regent.settled(1)

        async def it_is_back() -> bool:
            return bool(await look.fetchval(logs_in, "eve"))

        await eventually(it_is_back)


@pytest.mark.rule("28")
@pytest.mark.versions(15)
async def test_what_was_uninstalled_is_not_lost(database: Database, tmp_path: Path) -> None:
    """Released marks are there: the holders take their roles back, and nobody is asked."""
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        server = (await regent.settled(1))["systemIdentifier"]
        assert (await regent.ask("POST", "/v1/uninstall")).status_code == 200
        regent.stop()
        regent.start()
        await regent.ready()
        regent.etag = None
        await regent.push(state(REFERENCE, revision=2), **{HAD_STATE_HEADER: server})
        await as_declared(regent)


async def test_a_server_that_was_replaced_by_an_empty_one_is_not_written_to_either(
    database: Database, tmp_path: Path
) -> None:
    """The controller's side remembers the identifier when the home database went with it."""
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE), **{HAD_STATE_HEADER: "7412"})
        token = await needed(regent)
        look = await database.connect()
        assert await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname ~ 'viewer'") == 0
        assert await accept(regent, token) == 202
        await as_declared(regent)


async def test_apply_takes_roles_back_when_it_is_told_the_token(database: Database) -> None:
    """It knows of no home database before: plan and apply both say what could be accepted."""
    settings = settings_for(database)
    assert all_ready(await apply_once(settings, state(REFERENCE)))
    await drop_home(database)
    planned = await plan_once(settings, state(REFERENCE))
    report = await apply_once(settings, state(REFERENCE))
    assert outcome(report, "Role/mydb-viewer").reason == "ExistsUnmanaged"
    assert report.takeover is not None
    assert report.takeover == planned.takeover
    token = report.takeover.token
    assert any(token in note for note in report.notes)
    with pytest.raises(TokenMismatch):
        await apply_once(settings, state(REFERENCE), consents=[Consent("Takeover", "0" * 16)])
    done = await apply_once(settings, state(REFERENCE), consents=[Consent("Takeover", token)])
    assert all_ready(done)
    assert done.takeover is None
    assert not (await plan_once(settings, state(REFERENCE))).plan.changes


@pytest.mark.found("E138")
async def test_taking_back_is_offered_only_where_a_home_database_may_have_been_lost(
    database: Database,
) -> None:
    """It was, and the token was good, for a role that nobody had managed."""
    settings = settings_for(database)
    assert all_ready(await apply_once(settings, state(REFERENCE)))
    await database.execute("CREATE ROLE gina LOGIN")
    wanted = state(REFERENCE + "\nUser/gina: {database: mydb}", revision=2)
    assert (await plan_once(settings, wanted)).takeover is None
    report = await apply_once(settings, wanted)
    assert outcome(report, "User/gina").reason == "ExistsUnmanaged"
    assert report.takeover is None
    assert not any("--accept-takeover" in note for note in report.notes)


async def test_apply_obeys_another_server_or_source_when_it_is_told_the_token(
    database: Database,
) -> None:
    """Each by its own token, and each once."""
    settings = settings_for(database)
    await apply_once(settings, state(REFERENCE))
    home = await database.server.connect("postgregent")
    await home.execute("UPDATE postgregent.regents SET system_identifier = '1'")
    await home.close()
    report = await apply_once(settings, state(REFERENCE))
    assert outcome(report, "Role/mydb-viewer").reason == "TakeoverNeeded"
    assert report.takeover is not None
    assert all_ready(
        await apply_once(
            settings, state(REFERENCE), consents=[Consent("Takeover", report.takeover.token)]
        )
    )
    with pytest.raises(TakeoverNeeded) as refused:
        await apply_once(settings, FOREIGN)
    token = refused.value.way_out.rpartition(" ")[2].rstrip(".")
    assert all_ready(await apply_once(settings, FOREIGN, consents=[Consent("Takeover", token)]))
    assert all_ready(await apply_once(settings, FOREIGN))
