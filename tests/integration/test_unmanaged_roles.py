"""Roles that nobody declares: reported, with the time and the one who made them (rule 11)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from regent.home.locks import lock_roles_in_transaction
from regent.home.store import Home
from regent.one_shot import apply_once
from regent.settings import connector_of
from shared.state import Trouble
from tests.command import flights, postgregent
from tests.daemons import Regent, running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = pytest.mark.rule("11")
REPORT = {"unmanagedRoles": "Report"}


async def listed(regent: Regent) -> dict[str, dict[str, Any]]:
    """All of them, by name, page by page."""
    found: dict[str, dict[str, Any]] = {}
    query: dict[str, Any] = {"limit": 1}
    while True:
        page = (await regent.ask("GET", "/v1/unmanaged", params=query)).json()
        found |= {one["name"]: one for one in page["items"]}
        if "continue" not in page:
            return found
        query["continue"] = page["continue"]


async def test_who_may_log_in_undeclared_is_told_everywhere_and_who_comes_later_with_his_maker(
    database: Database, tmp_path: Path
) -> None:
    await database.execute('CREATE ROLE eve LOGIN CREATEDB; CREATE ROLE "v-1" LOGIN')
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE, regent={**REPORT, "ignoreRoles": ["v-*"]}))
        status = await regent.settled(1)
        there = {one["name"]: one.get("appearedAt") for one in status["unmanaged"]["roles"]}
        assert there == dict.fromkeys(("app_owner", "eve", "postgres"))
        await database.execute("CREATE ROLE mallory LOGIN CREATEROLE")
        told = (await regent.drifts(1))[0]
        assert (told["role"], told["correction"]) == ("mallory", "reported")
        assert told["deed"].startswith("role mallory may log in now (CREATEROLE)")

        async def is_told() -> bool:
            newest = (await regent.status())["unmanaged"]["roles"][0]
            return bool(newest["name"] == "mallory" and newest["by"] and newest["appearedAt"])

        await eventually(is_told)
        found = await listed(regent)
        assert set(found) == {"app_owner", "eve", "mallory", "postgres"}
        assert found["eve"]["may"] == ["CREATEDB"]
        assert "postgregent_unmanaged_roles 4.0" in (await regent.ask("GET", "/metrics")).text
        assert (await regent.status())["outstandingDrift"] == 0
        # They are remembered: a new process finds nobody new, and nobody is disabled.
        regent.kill()
        regent.start()
        await regent.ready()
        await regent.settled(1)
        assert "appearedAt" in (await listed(regent))["mallory"]
        assert len((await regent.ask("GET", "/v1/history")).json()["items"]) == 1
        await regent.push(state(REFERENCE, revision=2))
        await regent.settled(2)
        assert "unmanaged" not in await regent.status()
        assert "postgregent_unmanaged_roles 4" not in (await regent.ask("GET", "/metrics")).text


async def test_a_plan_names_them(database: Database, tmp_path: Path) -> None:
    await database.execute("CREATE ROLE eve LOGIN CREATEDB")
    folder = flights(tmp_path)
    for manifest in folder.rglob("*.yaml"):
        text = manifest.read_text()
        if "kind: Regent" in text:
            manifest.write_text(text.replace("adminUser:", "unmanagedRoles: Report\n  adminUser:"))
    asked = ("plan", str(folder), "--dsn", database.dsn())
    ended = await postgregent(*asked, "-o", "json")
    found = {one["name"]: one for one in ended.data()["unmanaged"]["roles"]}
    assert found["eve"]["may"] == ["CREATEDB"]
    assert "eve (CREATEDB)" in (await postgregent(*asked)).out


DISABLE = {"unmanagedRoles": "Disable", "ignoreRoles": ["app_owner", "v-*"]}
LOGINS = "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname <> ALL ($1) ORDER BY 1"
OURS = ["my-admin", "postgres", "app_owner", "summer-intern-2", "flights-admin"]


async def logins(database: Database) -> list[str]:
    """Who may log in beside those of the test."""
    look = await database.server.connect()
    try:
        return [row[0] for row in await look.fetch(LOGINS, OURS)]
    finally:
        await look.close()


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_disable_takes_login_and_sessions_keeps_it_so_and_gives_back_just_what_it_took(
    database: Database, tmp_path: Path
) -> None:
    await database.execute(
        "CREATE ROLE eve LOGIN PASSWORD 'eve'; CREATE ROLE group_of_eve NOLOGIN;"
        'CREATE ROLE walsender LOGIN REPLICATION; CREATE ROLE "v-1" LOGIN'
    )
    theirs = await database.connect("eve", "eve")
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE, regent=DISABLE))
        status = await regent.settled(1)
        assert await logins(database) == ["v-1", "walsender"]
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await theirs.execute("SELECT 1")
        shown = {one["name"]: one for one in status["unmanaged"]["roles"]}
        assert shown["eve"]["disabled"]
        assert shown["walsender"]["spared"] == "it may replicate"
        assert (await regent.ask("GET", "/v1/history")).json()["items"] == []
        # Somebody gives it back, and somebody else comes: drift, told and corrected.
        await database.execute("ALTER ROLE eve LOGIN")
        assert (await regent.drifts(1))[0]["correction"] == "disabled"
        await database.execute("CREATE ROLE mallory LOGIN")
        assert (await regent.drifts(2))[1]["role"] == "mallory"

        async def are_out() -> bool:
            return await logins(database) == ["v-1", "walsender"]

        await eventually(are_out)
        # What it took before it was killed it gives back, and nothing else.
        regent.kill()
        regent.start()
        await regent.ready()
        await regent.push(state(REFERENCE, regent=REPORT, revision=2))
        await regent.settled(2)
        assert await logins(database) == ["eve", "mallory", "v-1", "walsender"]
        await database.connect("eve", "eve")


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_the_first_switch_waits_for_a_person_where_it_would_put_out_many(
    database: Database, tmp_path: Path
) -> None:
    await database.execute("".join(f"CREATE ROLE app{n} LOGIN;" for n in range(6)))
    everybody = [f"app{n}" for n in range(6)]
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE, regent=REPORT))
        await regent.settled(1)
        await regent.push(state(REFERENCE, regent=DISABLE, revision=2))
        status = await regent.settled(2)
        assert await logins(database) == everybody
        assert {loss["role"] for loss in status["brake"]["losses"]} == set(everybody)
        await regent.ask("POST", "/v1/brake/release", json={"digest": status["brake"]["digest"]})

        async def are_out() -> bool:
            return await logins(database) == []

        await eventually(are_out)


async def test_who_is_declared_is_not_disabled_and_who_is_adopted_is_what_is_declared(
    database: Database, tmp_path: Path
) -> None:
    await database.execute(
        "CREATE ROLE eve LOGIN; CREATE ROLE mallory LOGIN; CREATE ROLE bob LOGIN"
    )
    refused = "User/eve: {database: mydb}"
    adopted = "User/mallory: {database: mydb, adopt: true}"
    async with running(settings_for(database), tmp_path) as regent:
        held = {"User/default/new": Trouble(reason="Invalid", message="x")}
        await regent.push(state(REFERENCE, regent=DISABLE, held=held))
        status = await regent.settled(1)
        assert "User/default/new" in status["unmanaged"]["waits"]
        assert await logins(database) == ["bob", "eve", "mallory"]
        await regent.push(state(f"{REFERENCE}\n{refused}", regent=DISABLE, revision=2))
        await regent.settled(2)
        assert await logins(database) == ["eve"]
        text = f"{REFERENCE}\n{refused}\n{adopted}"
        await regent.push(state(text, regent=DISABLE, revision=3))
        await regent.settled(3)
        assert await logins(database) == ["eve", "mallory"]
        # Nothing of it is left to be given back: bob alone was disabled.
        assert [n for n, one in (await listed(regent)).items() if one["disabled"]] == ["bob"]


async def test_a_plan_shows_each_whose_login_would_go_and_uninstalling_gives_it_back(
    database: Database, tmp_path: Path
) -> None:
    await database.execute("CREATE ROLE eve LOGIN; CREATE ROLE walsender LOGIN REPLICATION")
    folder = flights(tmp_path)
    manifest = folder / "regent.yaml"
    policy = "unmanagedRoles: Disable\n  ignoreRoles: [app_owner]\n  adminUser:"
    manifest.write_text(manifest.read_text().replace("adminUser:", policy))
    shown = await postgregent("plan", str(folder), "--dsn", database.dsn())
    assert "disable role eve: NOLOGIN" in shown.out
    assert "walsender (it may replicate)" in " ".join(shown.out.split())
    done = await postgregent("apply", str(folder), "--dsn", database.dsn())
    assert done.status == 0, done.err + done.out
    assert "eve" not in await logins(database)
    ended = await postgregent("uninstall", "--dsn", database.dsn(), "--yes")
    assert "LOGIN given back to eve" in ended.out + ended.err, ended
    assert "eve" in await logins(database)


@pytest.mark.versions(18)
@pytest.mark.found("E268")
async def test_login_is_given_back_when_nobody_else_writes_roles_and_till_then_it_is_said_why(
    database: Database,
) -> None:
    """Seen: "the admin may not alter it", while another Regent held the lock of roles."""
    await database.execute("CREATE ROLE eve LOGIN")
    settings = settings_for(database)
    await apply_once(settings, state(REFERENCE, regent=DISABLE))
    assert "eve" not in await logins(database)
    home = await Home.open(
        connector_of(settings.server), regent=settings.regent, through=settings.databases
    )
    other = await connector_of(settings.server).connect("postgregent", purpose="home")
    async with other.transaction():
        await lock_roles_in_transaction(other)
        given, left = await home.give_logins_back(patience_seconds=0.1)
    assert (given, list(left)) == ((), ["eve"])
    assert left["eve"].startswith("another Regent writes roles: ")
    async with other.transaction():
        await other.execute("SELECT FROM pg_authid WHERE rolname = 'eve' FOR UPDATE")
        _, left = await home.give_logins_back(patience_seconds=0.1)
    assert left == {"eve": "another session holds it"}
    assert "eve" not in await logins(database)
    assert await home.give_logins_back() == (("eve",), {})
    assert "eve" in await logins(database)
    await home.close()
    await other.close()


@pytest.mark.found("E282")
@pytest.mark.rule("20")
@pytest.mark.versions(18)
async def test_the_end_of_a_wait_disables_nobody_whom_the_switch_would_not_have(
    database: Database,
) -> None:
    """Another home database is taken off, as the message says: five and more wait for a person."""
    everybody = [f"app{n}" for n in range(6)]
    await database.execute("".join(f"CREATE ROLE {name} LOGIN;" for name in everybody))
    settings = settings_for(database)
    await apply_once(settings, state(REFERENCE, regent=REPORT))
    await database.execute("CREATE DATABASE elsewhere OWNER postgregent_owner")
    for revision in (2, 3):
        await apply_once(settings, state(REFERENCE, regent=DISABLE, revision=revision))
    await database.execute("DROP DATABASE elsewhere")
    report = await apply_once(settings, state(REFERENCE, regent=DISABLE, revision=4))
    assert report.brake is not None
    assert report.brake.loss_count == 6
    assert await logins(database) == everybody
