"""What a command could not read or may not write is said, and never told as "nothing to do"."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from tests.command import Running, flights, postgregent, postgregent_process
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer

MORE = ("closed", "invalid", "full", "missing")
"""Databases that are served besides, and that cannot be read; each for a reason of its own."""


def serving(directory: Path, *databases: str) -> None:
    """The Regent serves these, too."""
    regent = directory / "regent.yaml"
    document = yaml.safe_load(regent.read_text())
    document["spec"]["additionalDatabases"] = list(databases)
    regent.write_text(yaml.safe_dump(document))


async def unreadable(database: Database) -> None:
    """One is closed to connections, one is half dropped; one takes no more connections."""
    admin = await database.connect()
    for name in MORE[:-1]:
        await admin.execute(f'CREATE DATABASE "{name}"')
    await admin.execute("ALTER DATABASE closed ALLOW_CONNECTIONS false")
    await admin.execute("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'invalid'")
    await admin.execute('ALTER DATABASE "full" CONNECTION LIMIT 0')


@pytest.mark.found("B15")
@pytest.mark.rule("29")
async def test_what_could_not_be_read_is_named_and_the_end_is_not_green(
    database: Database, tmp_path: Path
) -> None:
    """plan 1, apply 3, local --once 3, uninstall 3; each names every database and why."""
    directory = flights(tmp_path)
    assert (await postgregent("apply", str(directory), "--dsn", database.dsn())).status == 0
    await unreadable(database)
    serving(directory, *MORE)
    arguments = (str(directory), "--dsn", database.dsn())
    unread = {"closed", "invalid", "missing"}
    plan = await postgregent("plan", *arguments)
    assert plan.status == 1, plan.out
    assert "Nothing to do." not in plan.out
    assert all(f"The database '{name}' could not be read:" in plan.out for name in unread)
    data = await postgregent("plan", *arguments, "-o", "json")
    assert data.status == 1
    found = {one["database"]: one["message"] for one in data.data()["unread"]}
    assert set(found) >= unread
    assert all(found.values())
    applied = await postgregent("apply", *arguments)
    assert applied.status == 3, applied.out
    assert all(f"The database '{name}' could not be read:" in applied.out for name in unread)
    once = await postgregent_process("local", *arguments, "--once")
    assert once.status == 3, once.out
    assert "closed" in once.out
    removed = await postgregent("uninstall", "--dsn", database.dsn(), "--yes")
    assert removed.status == 3, removed.out
    assert "closed: not reached" in removed.out
    assert "mydb: event triggers and schema removed" in removed.out
    assert "released, left as they are" in removed.out


@pytest.mark.found("B15")
@pytest.mark.rule("4")
async def test_a_plan_shows_every_outcome_that_is_not_ready(
    database: Database, tmp_path: Path
) -> None:
    """Of a grant in a database that cannot be read, and of a Regent that only looks."""
    directory = flights(tmp_path)
    serving(directory, "missing")
    role = {"database": "missing", "permissions": ["there"]}
    given = {"database": "missing", "schemas": ["a"], "tables": ["*"], "actions": ["SELECT"]}
    for kind, name, spec in (("Permission", "there", given), ("Role", "guest", role)):
        document = {
            "apiVersion": "putnam120.postgregent/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        (directory / f"{name}.yaml").write_text(yaml.safe_dump(document))
    plan = await postgregent("plan", str(directory), "--dsn", database.dsn())
    assert plan.status == 1
    assert "DatabaseUnreachable" in plan.out
    data = await postgregent("plan", str(directory), "--dsn", database.dsn(), "-o", "json")
    reasons = {one["resource"]: one["reason"] for one in data.data()["outcomes"]}
    assert reasons["Permission/default/there"] == "DatabaseUnreachable"
    regent = directory / "regent.yaml"
    document = yaml.safe_load(regent.read_text())
    document["spec"] |= {"additionalDatabases": [], "suspend": True}
    regent.write_text(yaml.safe_dump(document))
    plan = await postgregent("plan", str(directory), "--dsn", database.dsn())
    assert plan.status == 2
    assert "spec.suspend is set" in plan.out
    assert "Observing" in plan.out


@pytest.mark.found("B15")
@pytest.mark.versions(15, 18)
async def test_a_standby_is_read_and_said_to_be_one(
    launch_server: Callable[..., PostgresServer], tmp_path: Path
) -> None:
    """Exit status 1, also where nothing is to do."""
    server = launch_server(wal_level="replica")
    directory = flights(tmp_path)
    admin = await server.connect()
    try:
        await admin.execute("CREATE DATABASE mydb")
    finally:
        await admin.close()
    dsn = server.dsn("mydb")
    applied = await postgregent("apply", str(directory), "--dsn", dsn)
    assert applied.status == 0, applied.out + applied.err
    server.stop()
    (server.data_dir / "standby.signal").touch()
    server.start()
    await _answers(server)
    plan = await postgregent("plan", str(directory), "--dsn", dsn, "-o", "json")
    data: dict[str, Any] = plan.data()
    assert plan.status == 1, plan.out
    assert data["changes"] == []
    assert data["restraint"]["reason"] == "InRecovery"
    assert {one["reason"] for one in data["outcomes"]} == {"InRecovery"}
    plan = await postgregent("plan", str(directory), "--dsn", dsn)
    assert plan.status == 1
    assert "The server is in recovery, a standby" in plan.out
    assert "Nothing to do." not in plan.out
    status = await postgregent("status", "--dsn", dsn, "-o", "json")
    assert status.status == 1, status.out
    assert [one["check"] for one in status.data()["findings"]] == ["Standby"]
    [regent] = status.data()["regents"]
    assert (regent["runs"], regent["findings"][0]["level"]) == (None, "Unknown")


async def _answers(server: PostgresServer) -> None:
    connection = await server.connect()
    try:
        assert await connection.fetchval("SELECT pg_is_in_recovery()")
    except asyncpg.CannotConnectNowError:  # pragma: no cover - start() waits for it
        raise AssertionError("the standby takes no connections") from None
    finally:
        await connection.close()


@pytest.mark.found("E149")
@pytest.mark.rule("28a")
@pytest.mark.versions(18)
async def test_a_changed_directory_waits_for_a_standby_to_be_promoted(
    launch_server: Callable[..., PostgresServer], tmp_path: Path
) -> None:
    """It cannot be remembered there: said once, in words, and `--once` ends with 3."""
    server = launch_server(wal_level="replica")
    directory = flights(tmp_path)
    regent = directory / "regent.yaml"
    document = yaml.safe_load(regent.read_text())
    document["spec"]["resyncSeconds"] = 5
    regent.write_text(yaml.safe_dump(document))
    admin = await server.connect()
    try:
        await admin.execute("CREATE DATABASE mydb")
    finally:
        await admin.close()
    dsn = server.dsn("mydb")
    applied = await postgregent("apply", str(directory), "--dsn", dsn)
    assert applied.status == 0, applied.out + applied.err
    server.stop()
    (server.data_dir / "standby.signal").touch()
    server.start()
    await _answers(server)
    permissions = directory / "permissions.yaml"
    permissions.write_text(
        permissions.read_text().replace("- SELECT\n", "- SELECT\n    - INSERT\n", 1)
    )
    once = await postgregent_process("local", str(directory), "--dsn", dsn, "--once", "-o", "json")
    said = [json.loads(line) for line in once.out.splitlines()]
    reasons = [one["reason"] for one in said if one["subject"] == "Regent/default/my-regent"]
    assert once.status == 3, once.out + once.err
    assert reasons.count("InRecovery") == 1
    assert "InternalError" not in reasons
    assert "Traceback" not in once.err
    async with await Running.start("local", str(directory), "--dsn", dsn) as running:
        stalled = await running.until_subject("Regent/default/my-regent", "Stalled")
        assert stalled["reason"] == "InRecovery"
        admin = await server.connect()
        try:
            await admin.execute("SELECT pg_promote()")
        finally:
            await admin.close()
        await running.until_subject("Regent/default/my-regent", "Ready")
        assert await running.interrupt() == 130
    again = await postgregent("plan", str(directory), "--dsn", dsn, "-o", "json")
    assert (again.status, again.data()["changes"]) == (0, [])
