"""No password is to be read anywhere, and no verifier where it need not be (must show 8)."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import SecretStr

from regent.settings import RegentSettings
from shared import scram
from tests.daemons import Regent, running
from tests.declared import state
from tests.eventually import eventually
from tests.integration.facts.command import command, environment, local, server_options
from tests.postgres.activity import sampled_activity
from tests.postgres.canary import Canary
from tests.postgres.database import Database
from tests.settings import settings_for

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"
CLEAR = "demo-only-intern-2-password"
INTERN = "summer-intern-2"
DECLARED = f"""
Permission/read: {{database: mydb, schemas: [schema1], tables: ["*"], actions: [SELECT]}}
Role/viewer: {{database: mydb, permissions: [read]}}
User/{INTERN}: {{roles: [viewer], passwordSecretRef: {{name: s, key: a}}}}
"""
SHOWN = (
    "/v1/state", "/v1/status", "/v1/history", "/v1/drift", "/v1/roles", f"/v1/roles/{INTERN}",
    "/v1/unmanaged",
    "/metrics", "/readyz", "/livez", "/v1/nothing",
)  # fmt: skip


async def _verifiers(database: Database) -> list[str]:
    look = await database.connect()
    rows = await look.fetch("SELECT rolpassword FROM pg_authid WHERE rolpassword IS NOT NULL")
    assert len(rows) > 1
    return [row["rolpassword"] for row in rows]


def _assert_hidden(secrets: Iterable[str], places: dict[str, str]) -> None:
    """Also as its parts: the keys of a verifier are what must not be read."""
    parts = {part for secret in secrets for part in (secret, *secret.split("$")[-1].split(":"))}
    leaks = [name for name, text in places.items() if any(part in text for part in parts)]
    assert not leaks, f"a secret is to be read in: {leaks}"


@pytest.mark.rule("19")
@pytest.mark.fact("PG-ROLE-8")
@pytest.mark.slow_versions(15)
async def test_a_password_goes_from_its_secret_to_the_server_and_is_to_be_read_nowhere(
    database: Database, canary: Canary, tmp_path: Path
) -> None:
    """Through plan, apply, local, a rotation, an intruder and a Secret's file with mistakes."""
    directory = tmp_path / "manifests"
    shutil.copytree(FLIGHTS, directory, ignore=shutil.ignore_patterns("*.sql", "*.md"))
    secrets = directory / "secrets.yaml"
    first = "the-first-one-of-this-test"
    secrets.write_text(secrets.read_text().replace(CLEAR, first))
    said: dict[str, str] = {}
    options = [str(directory), *server_options(database)]

    async def run(*arguments: str) -> int:
        status, said[" ".join(arguments[:1] + arguments[-2:])] = await command(database, *arguments)
        return status

    async def may_log_in(password: str) -> bool:
        try:
            connection = await database.server.connect("postgres", INTERN, password)
        except Exception:  # noqa: BLE001 - any refusal is a no
            return False
        await connection.close()
        return True

    async with sampled_activity(database.server) as seen:
        assert await run("plan", *options, "--sql", "-o", "json") == 2
        assert await run("apply", *options, "--sql", "-o", "json") == 0
        assert await may_log_in(first)
        async with local(database, directory, tmp_path) as going:
            secrets.write_text(secrets.read_text().replace(first, canary.password))
            await eventually(lambda: may_log_in(canary.password))
            assert not await may_log_in(first)
            await database.execute(f"ALTER ROLE \"{INTERN}\" PASSWORD 'an-intruders'")
            await eventually(lambda: may_log_in(canary.password))
            whole = secrets.read_text()
            for mistake in (f"{canary.password}: [", f"{canary.password}\n  - x", "*"):
                going.forget()
                secrets.write_text(whole.replace(canary.password, mistake))
                await run("validate", str(directory), "-o", "yaml")
                await going.says(lambda line: line["state"] == "Problem")
            secrets.write_text(whole)
    for name in ("local.jsonl", "local.log"):
        said[name] = (tmp_path / name).read_text()
    assert seen
    events = await (await database.connect()).fetch("SELECT e::text FROM postgregent.event AS e")
    assert "password of summer-intern-2" in said["local.jsonl"]
    canary.assert_nowhere(
        {**said, "activity": "\n".join(seen), "events": "\n".join(row[0] for row in events)}
    )
    admin = environment(database)["PGPASSWORD"]
    _assert_hidden([first, admin, *await _verifiers(database)], said)
    _assert_hidden([first, admin], {"activity": "\n".join(seen)})
    _assert_hidden([first, admin], {"the server's log": database.server.log_of_this_test()})


@pytest.mark.rule("19")
async def test_neither_password_nor_verifier_is_in_an_answer_or_a_log(
    database: Database, canary: Canary, tmp_path: Path
) -> None:
    """Every GET, a plan, a refused push and the metrics; /v1/verifiers is for the controller."""
    verifier = scram.build(canary.password)
    settings = settings_for(database)
    async with running(settings, tmp_path) as regent:
        pushed = state(DECLARED, passwords={f"User/{INTERN}": {"verifier": verifier.value}})
        await regent.push(pushed)
        await regent.settled(1)
        await (await database.server.connect("mydb", INTERN, canary.password)).close()
        await database.execute(f'ALTER ROLE "{INTERN}" PASSWORD NULL')
        await regent.drifts(1)
        for path in SHOWN:
            await regent.ask("GET", path)
        await regent.ask("POST", "/v1/plan")
        await regent.ask("POST", "/v1/plan", content=json.dumps(pushed.revealed()))
        await _push_what_is_refused(regent, pushed.revealed(), canary)
        answers = {f"answer {n}": text for n, text in enumerate(regent.answers)}
        assert '"verifier":true' in (await regent.ask("GET", "/v1/state")).text.replace(" ", "")
        verifiers = await _verifiers(database)
        assert verifier.value in verifiers
        assert regent.stop() == 0
        places = {**answers, "log": regent.log}
        _assert_hidden([database.server.password.get_secret_value(), *verifiers], places)
        canary.assert_nowhere(dict(places))


async def _push_what_is_refused(regent: Regent, pushed: dict[str, object], canary: Canary) -> None:
    """A clear password where a verifier belongs: the server would take it for a clear password."""
    text = json.dumps(pushed)
    verifier = json.loads(text)["resources"][f"User/default/{INTERN}"]["password"]["verifier"]
    for wrong in (
        text.replace(verifier, canary.password),
        text.replace(f'"{verifier}"', f'["{canary.password}"]'),
        text + canary.password,
    ):
        answer = await regent.ask(
            "PUT",
            "/v1/state",
            content=wrong,
            headers={"content-type": "application/json", "If-Match": str(regent.etag)},
        )
        assert answer.status_code == 422, answer.text


@pytest.mark.rule("28b")
@pytest.mark.versions(18)
async def test_an_admins_password_that_is_wrong_is_not_said(
    database: Database, canary: Canary, tmp_path: Path
) -> None:
    """The log and the health say that it was refused, and for whom."""
    right = settings_for(database)
    server = right.server.model_copy(update={"admin_password": SecretStr(canary.password)})
    settings: RegentSettings = right.model_copy(update={"server": server})
    log = tmp_path / "regent.log"

    async def live() -> None:
        async with running(settings, tmp_path):
            raise AssertionError("it is ready with a wrong password")

    async def is_said() -> bool:
        return log.exists() and "not connected" in log.read_text()

    living = asyncio.create_task(live())
    await eventually(is_said)
    living.cancel()
    with suppress(asyncio.CancelledError):
        await living
    assert "password" in log.read_text()
    canary.assert_nowhere({"log": log})
