"""`plan --out FILE` and `apply FILE`: just what was planned is done, or nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from cli.declared import Request, declare
from regent.home.store import Home
from regent.one_shot import OnceReport, apply_once
from regent.settings import connector_of
from tests.command import Ended, flights, postgregent
from tests.postgres.canary import Canary
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer


async def plan(directory: Path, database: Database, out: Path) -> Ended:
    ended = await postgregent("plan", str(directory), "--dsn", database.dsn(), "--out", str(out))
    assert f"postgregent apply {out}" in ended.err
    return ended


async def apply(file: Path, database: Database, *more: str) -> Ended:
    return await postgregent("apply", str(file), "--dsn", database.dsn(), *more)


async def is_untouched(database: Database) -> bool:
    """Neither a role nor a home database was made."""
    connection = await database.connect()
    found: bool = await connection.fetchval(
        "SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname IN ('mydb-viewer', 'flights-admin'))"
        " AND NOT EXISTS (SELECT FROM pg_database WHERE datname = 'postgregent')"
    )
    return found


async def test_what_was_planned_is_done_and_once_only(database: Database, tmp_path: Path) -> None:
    directory, out = flights(tmp_path), tmp_path / "plan.json"
    assert (await plan(directory, database, out)).status == 2
    assert await is_untouched(database)
    applied = await apply(out, database, "-o", "json")
    assert applied.status == 0, applied.err
    kept = json.loads(out.read_text())
    done = [one["what"] for one in applied.data()["results"]]
    assert done == [one["what"] for one in kept["changes"]]
    again = await apply(out, database)
    assert again.status == 1
    assert "planned, and not to be done now: create role mydb-viewer" in again.err
    assert (await plan(directory, database, out)).status == 0
    assert (await apply(out, database)).status == 0


async def test_a_server_that_has_changed_is_left_as_it_is(
    database: Database, tmp_path: Path
) -> None:
    out = tmp_path / "plan.json"
    await plan(flights(tmp_path), database, out)
    connection = await database.connect()
    await connection.execute("CREATE TABLE schema2.came_later ()")
    ended = await apply(out, database)
    assert ended.status == 1
    assert "planned, and not to be done now: grant SELECT on 9 tables" in ended.err
    assert "to be done now, and not planned: grant SELECT on 10 tables" in ended.err
    assert f"Make a new plan: postgregent plan {tmp_path}/flights --out {out}" in ended.err
    assert await is_untouched(database)


async def test_a_directory_that_has_changed_is_another_plan(
    database: Database, tmp_path: Path
) -> None:
    directory, out = flights(tmp_path), tmp_path / "plan.json"
    await plan(directory, database, out)
    roles = directory / "roles.yaml"
    documents = [*yaml.safe_load_all(roles.read_text())]
    documents[0]["spec"]["permissions"] = documents[0]["spec"]["permissions"][:-1]
    roles.write_text(yaml.safe_dump_all(documents))
    ended = await apply(out, database, "-o", "json")
    assert ended.status == 1
    assert "planned, and not to be done now" in ended.data()["error"]
    assert "postgregent plan" in ended.data()["wayOut"]
    assert await is_untouched(database)


async def test_what_comes_before_the_lock_is_seen_under_it(
    database: Database, tmp_path: Path
) -> None:
    """The first look is before the home database; the second one before anything is stored."""
    declared = await declare(Request(flights(tmp_path), database.dsn()))

    def refuse(report: OnceReport) -> None:
        assert report.to_do
        raise InterruptedError

    with pytest.raises(InterruptedError):
        await apply_once(declared.settings, declared.state, only_if=refuse)
    connector = connector_of(declared.settings.server)
    home = await Home.find(connector, database="postgregent", regent=declared.settings.regent)
    assert home is None or home.accepted is None
    connection = await database.connect()
    assert not await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mydb-viewer')"
    )


async def test_it_is_for_one_server_and_one_admin(
    database: Database, tmp_path: Path, server: PostgresServer
) -> None:
    out = tmp_path / "plan.json"
    await plan(flights(tmp_path), database, out)
    connection = await database.connect()
    await connection.execute("ALTER ROLE app_owner LOGIN PASSWORD 'pw'")
    ended = await postgregent("apply", str(out), "--dsn", database.dsn("app_owner", "pw"))
    assert ended.status == 1
    place = f"{server.host}:{server.port}/mydb"
    assert f"was made for my-admin on {place}, and this is app_owner on {place}" in ended.err
    named = await apply(out, database, "--regent", "other")
    assert (named.status, "leave --regent out" in named.err) == (1, True)


async def test_the_file_says_where_and_has_no_password(
    database: Database, tmp_path: Path, canary: Canary
) -> None:
    """The password comes by PGPASSWORD when it is applied, and --dsn need not be said again."""
    directory, out = flights(tmp_path), tmp_path / "plan.json"
    secrets = directory / "secrets.yaml"
    secrets.write_text(secrets.read_text().replace("demo-only-intern-2-password", canary.password))
    await plan(directory, database, out)
    admin = database.server.password.get_secret_value()
    assert admin in database.dsn()
    assert admin not in out.read_text()
    canary.assert_nowhere({"file": out.read_bytes()})
    made_for = json.loads(out.read_text())["madeFor"]
    assert (made_for["regent"], made_for["directory"]) == ("default/my-regent", str(directory))
    ended = await postgregent("apply", str(out), environment={"PGPASSWORD": admin})
    assert ended.status == 0, ended.err


async def test_what_the_brake_withholds_stays_so_and_can_be_released(
    database: Database, tmp_path: Path
) -> None:
    directory, out = flights(tmp_path), tmp_path / "plan.json"
    await postgregent("apply", str(directory), "--dsn", database.dsn())
    permissions = directory / "permissions.yaml"
    documents = [*yaml.safe_load_all(permissions.read_text())]
    for one in documents:
        if one["spec"].get("tables"):
            one["spec"]["tables"] = ["no_such_table"]
    permissions.write_text(yaml.safe_dump_all(documents))
    await plan(directory, database, out)
    digest = json.loads(out.read_text())["waits"]["Brake"]
    withheld = await apply(out, database)
    assert withheld.status == 3
    await plan(directory, database, out)
    released = await apply(out, database, "--release", digest)
    assert released.status == 0, released.out + released.err
    stale = await apply(out, database)
    assert stale.status == 1
    assert "what the brake withholds is not the same" in stale.err


async def test_a_plan_that_is_not_whole_is_not_kept(database: Database, tmp_path: Path) -> None:
    directory, out = flights(tmp_path), tmp_path / "plan.json"
    regent = directory / "regent.yaml"
    document = yaml.safe_load(regent.read_text())
    document["spec"]["additionalDatabases"] = ["missing"]
    regent.write_text(yaml.safe_dump(document))
    ended = await postgregent("plan", str(directory), "--dsn", database.dsn(), "--out", str(out))
    assert ended.status == 1
    assert not out.exists()
    assert f"Nothing was written to {out}" in ended.err
