"""What a tenant writes costs no more than its length: nobody's value stops the rest."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from shared.scram import MOST_ITERATIONS, build
from tests.command import flights, postgregent
from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.settings import settings_for

API = "putnam120.postgregent/v1alpha1"
STRAY = 'GRANT DELETE ON schema2.crews TO "mydb-viewer"'
HOLDS_STRAY = "SELECT has_table_privilege('mydb-viewer', 'schema2.crews', 'DELETE')"
SELECTED = {"key1": "value1", "key2": "value2"}
ENDLESS = build("mallory").value.replace("$4096:", "$2147483647:")


def add_user(directory: Path, name: str, secret: bytes) -> None:
    """A User with this value in its Secret."""
    documents = (
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "labels": SELECTED},
            "data": {"password": base64.b64encode(secret).decode()},
        },
        {
            "apiVersion": API,
            "kind": "User",
            "metadata": {"name": name},
            "spec": {
                "roles": ["mydb-viewer"],
                "passwordSecretRef": {"name": name, "key": "password"},
            },
        },
    )
    (directory / f"{name}.yaml").write_text(yaml.safe_dump_all(documents))


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.found("B12")
@pytest.mark.rule("19")
async def test_a_verifier_of_two_thousand_million_iterations_stops_nobody(
    database: Database, tmp_path: Path
) -> None:
    """PostgreSQL would compute them all in ALTER ROLE, for hours, whatever cancels it."""
    directory = flights(tmp_path)
    applied = await postgregent("apply", str(directory), "--dsn", database.dsn(), "-o", "json")
    assert applied.status == 0, applied.err
    connection = await database.connect()
    await connection.execute(STRAY)
    add_user(directory, "mallory", ENDLESS.encode())
    applied = await postgregent("apply", str(directory), "--dsn", database.dsn(), "-o", "json")
    assert applied.status == 3, applied.err
    reasons = {one["resource"]: one["reason"] for one in applied.data()["outcomes"]}
    assert reasons["User/default/mallory"] == "VerifierOutOfBounds"
    assert not await connection.fetchval(HOLDS_STRAY)
    assert not await connection.fetchval(
        "SELECT rolcanlogin OR rolpassword IS NOT NULL FROM pg_authid WHERE rolname = 'mallory'"
    )


@pytest.mark.versions(18)
@pytest.mark.found("B12")
async def test_a_regent_does_not_take_such_a_verifier_from_anybody(
    database: Database, tmp_path: Path
) -> None:
    """422, and it goes on correcting."""
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        given = {"User/summer-intern-2": {"verifier": ENDLESS}}
        answer = await regent.push(state(REFERENCE, passwords=given, revision=2))
        assert answer.status_code == 422, answer.text
        assert "2,147,483,647 iterations" in answer.text
        connection = await database.connect()
        await connection.execute(STRAY)

        async def is_corrected() -> bool:
            return not await connection.fetchval(HOLDS_STRAY)

        await eventually(is_corrected)


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.rule("19")
async def test_verifiers_that_clients_log_in_with_are_set(
    database: Database, tmp_path: Path
) -> None:
    """Made elsewhere with PostgreSQL's own number of iterations, or with more."""
    directory = flights(tmp_path)
    users = {f"user-{count}": count for count in (4_096, 15_000, MOST_ITERATIONS)}
    for name, count in users.items():
        add_user(directory, name, build(f"secret of {name}", iterations=count).value.encode())
    applied = await postgregent("apply", str(directory), "--dsn", database.dsn(), "-o", "json")
    assert applied.status == 0, applied.out
    for name in users:
        session = await database.server.connect(user=name, password=f"secret of {name}")
        await session.close()
