"""Bad input gets its clear error, and what was in force stays in force (issue: must show 6)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.command import Ended, postgregent
from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.integration.facts.command import Local, local, server_options
from tests.integration.facts.held import held
from tests.postgres.database import Database
from tests.settings import settings_for

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"
ROLES = ("mydb-viewer", "flights-admin", "summer-intern-2")
STRAY = 'GRANT DELETE ON schema2.crews TO "mydb-viewer"'
API = "apiVersion: putnam120.postgregent/v1alpha1"
Edit = Callable[[Path], None]


def replaced(file: str, old: str, new: str) -> Edit:
    def edit(directory: Path) -> None:
        text = (directory / file).read_text("utf-8")
        assert old in text
        (directory / file).write_text(text.replace(old, new, 1), "utf-8")

    return edit


def added(text: str) -> Edit:
    def edit(directory: Path) -> None:
        (directory / "added.yaml").write_text(text, "utf-8")

    return edit


def emptied(directory: Path) -> None:
    for file in directory.iterdir():
        file.unlink()


def gone(directory: Path) -> None:
    shutil.rmtree(directory)


@dataclass(frozen=True, slots=True)
class Bad:
    """One way to write it wrongly; what the commands and what `local` then say."""

    name: str
    edit: Edit
    said: tuple[str, ...]
    local: tuple[str, ...]
    is_refused: bool = True


BAD = (
    Bad(
        "broken YAML",
        replaced("roles.yaml", "spec:\n", "spec: [\n"),
        ("roles.yaml:",),
        ("roles.yaml",),
    ),
    Bad(
        "a star that is not quoted",
        replaced("permissions.yaml", '- "*"', "- *"),
        ("permissions.yaml:", '"*"'),
        ("permissions.yaml",),
    ),
    Bad(
        "a wrong kind",
        replaced("roles.yaml", "kind: Role", "kind: Rolle"),
        ("roles.yaml:", "Rolle", "Role"),
        ("Rolle",),
    ),
    Bad(
        "an action that does not fit",
        replaced("permissions.yaml", "- CONNECT", "- SELECT"),
        ("permissions.yaml:", "SELECT", "CONNECT"),
        ("SELECT",),
    ),
    Bad(
        "an unknown field",
        replaced("roles.yaml", "permissions:", "permisions:"),
        ("roles.yaml:", "permisions", "permissions"),
        ("permisions",),
    ),
    Bad(
        "two names alike",
        added(f"{API}\nkind: Role\nmetadata: {{name: mydb-viewer}}\nspec: {{database: mydb}}\n"),
        ("added.yaml:", "mydb-viewer"),
        ("mydb-viewer",),
    ),
    Bad(
        "a name of 64 bytes",
        replaced("roles.yaml", "spec:\n", f"spec:\n  roleName: {'é' * 32}\n"),
        ("roles.yaml:", "64", "63"),
        ("63",),
    ),
    Bad(
        "a name of PostgreSQL's own",
        replaced("roles.yaml", "spec:\n", "spec:\n  roleName: pg_x\n"),
        ("roles.yaml:", "pg_x"),
        ("pg_x",),
    ),
    Bad(
        "a missing Secret",
        replaced("secrets.yaml", "name: mydb-intern-passwords", "name: another"),
        ("mydb-intern-passwords",),
        ("mydb-intern-passwords",),
        is_refused=False,
    ),
    Bad("a directory that becomes empty", emptied, ("empty",), ("not synced",)),
    Bad("a directory that disappears", gone, ("does not exist",), ("not synced",)),
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The example's manifests, in a directory to be spoilt."""
    return _written(tmp_path / "manifests")


def _written(place: Path) -> Path:
    place.mkdir(exist_ok=True)
    (place / "added.yaml").unlink(missing_ok=True)
    for file in FLIGHTS.glob("*.yaml"):
        shutil.copy(file, place)
    return place


@pytest.mark.rule("17", "18", "19")
@pytest.mark.fact("PG-ROLE-4")
@pytest.mark.fact("PG-ROLE-5")
@pytest.mark.fact("PG-ROLE-7")
@pytest.mark.versions(18)
async def test_bad_input_is_told_by_every_command_and_takes_nothing_away(
    database: Database, directory: Path, tmp_path: Path
) -> None:
    """The same `local` runs through all of it, and goes on correcting meanwhile."""
    look = await database.connect()
    trouble: list[str] = []
    async with local(database, directory, tmp_path) as running_local:
        await running_local.is_ready("User/default/summer-intern-2", "User/default/flights-admin")
        whole = await held(look, ROLES)
        for bad in BAD:
            running_local.forget()
            bad.edit(directory)
            trouble += await _said_by_commands(bad, database, directory)
            trouble += await _said_by_local(bad, running_local)
            if (now := await held(look, ROLES)) != whole:
                trouble.append(f"{bad.name}: changed {sorted(now ^ whole)}")
            await look.execute(STRAY)
            trouble += await _corrected(bad, look, whole)
            _written(directory)
        running_local.forget()
        (directory / "crew.yaml").write_text(
            f"{API}\nkind: Role\nmetadata: {{name: crew}}\nspec: {{database: mydb}}\n"
        )
        await running_local.is_ready("Role/default/crew")
        assert await held(look, ROLES) == whole
    assert not trouble, "\n".join(trouble)


async def _corrected(bad: Bad, look: asyncpg.Connection, whole: frozenset[str]) -> list[str]:
    async def is_whole() -> bool:
        return await held(look, ROLES) == whole

    try:
        await eventually(is_whole)
    except TimeoutError:
        return [f"{bad.name}: differs: {sorted(await held(look, ROLES) ^ whole)}"]
    return []


async def _said_by_commands(bad: Bad, database: Database, directory: Path) -> list[str]:
    environment = {"PGPASSWORD": database.server.password.get_secret_value()}

    async def ended(*arguments: str) -> Ended:
        return await postgregent(*arguments, "-o", "json", environment=environment)

    validated = await ended("validate", str(directory))
    applied = await ended("apply", str(directory), *server_options(database))
    trouble = []
    if validated.status != (1 if bad.is_refused else 0):
        trouble.append(f"{bad.name}: validate ended with {validated}")
    missing = [word for word in bad.said if word not in _unquoted(validated.out)]
    if missing:
        trouble.append(f"{bad.name}: validate did not say {missing}: {validated}")
    if bad.is_refused and (applied.status != 1 or "holds the lock" in applied.out + applied.err):
        trouble.append(f"{bad.name}: apply ended with {applied}")
    return trouble


def _unquoted(printed: str) -> str:
    """Every text of a JSON document, one a line, with places as file:line."""
    problems: list[dict[str, Any]] = json.loads(printed)["problems"]
    return "\n".join(
        f"{one['file']}:{one['line']} " + " ".join(str(value) for value in one.values())
        for one in problems
    )


async def _said_by_local(bad: Bad, running_local: Local) -> list[str]:
    def fits(line: dict[str, Any]) -> bool:
        text = f"{line['subject']} {line['message']}"
        is_bad = line["state"] in ("Problem", "Stalled", "Reconciling")
        return is_bad and all(word in text for word in bad.local)

    try:
        await running_local.says(fits, seconds=8)
    except AssertionError as error:
        return [f"{bad.name}: local: {error}"]
    return []


async def test_a_bad_push_is_refused_whole_with_every_problem(
    database: Database, tmp_path: Path
) -> None:
    """422, all problems with their fields and no value; the accepted state stays, and holds."""
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        look = await database.connect()
        whole = await held(look, ROLES)
        pushed = state(REFERENCE, revision=2).revealed()
        resources = pushed["resources"]
        resources["Role/default/mydb-viewer"]["spec"]["permisions"] = ["secret-looking-value"]
        resources["Permission/default/connect-to-mydb"]["spec"]["actions"] = ["TRUNCATE"]
        resources["Role/default/flights-admin"]["spec"]["roleName"] = "pg_x"
        resources["User/default/summer-intern-2"]["spec"]["userName"] = "é" * 32
        for content in (json.dumps(pushed), "{", "[]", '{"format": 2}'):
            answer = await regent.ask(
                "PUT",
                "/v1/state",
                content=content,
                headers={"content-type": "application/json", "If-Match": str(regent.etag)},
            )
            assert answer.status_code == 422, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            problems = answer.json()["problems"]
            if content == json.dumps(pushed):
                fields = " ".join(one["field"] for one in problems)
                for part in ("permisions", "actions", "roleName", "userName"):
                    assert part in fields, problems
            assert "secret-looking-value" not in answer.text
        accepted = await regent.ask("GET", "/v1/state")
        assert accepted.headers["etag"] == regent.etag
        await look.execute(STRAY)

        async def is_whole() -> bool:
            return await held(look, ROLES) == whole

        await eventually(is_whole)
        assert (await regent.push(state(REFERENCE, revision=3))).status_code == 202
