"""What the commands pass over is named, and what cannot be printed changes no exit status."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
import yaml

from tests.command import ROOT, Running, flights, postgregent
from tests.postgres.database import Database


@pytest.mark.found("E130")
async def test_every_command_names_the_user_of_another_operator(
    database: Database, tmp_path: Path
) -> None:
    """With file, line, kind and group: whoever mistyped the group of ours loses that access."""
    directory = flights(tmp_path)
    (directory / "other.yaml").write_text(
        "kind: User\napiVersion: user.openshift.io/v1\nmetadata: {name: tina}\n"
    )
    said = 'other.yaml:2: User tina: apiVersion "user.openshift.io/v1" is another API\'s'
    for command in ("plan", "apply"):
        ended = await postgregent(command, str(directory), "--dsn", database.dsn(), "-o", "json")
        assert any(note.startswith(said) for note in ended.data()["notes"]), ended.out
        as_text = await postgregent(command, str(directory), "--dsn", database.dsn())
        assert f"note: {said}" in as_text.out
    validated = await postgregent("validate", str(directory))
    assert validated.status == 0
    assert "other.yaml:2  warning  User tina" in validated.out
    async with await Running.start("local", str(directory), "--dsn", database.dsn()) as running:
        line = await running.until_subject(str(directory), "Problem")
        assert "user.openshift.io/v1" in line["message"]
        await running.interrupt()


@pytest.mark.found("E131")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
async def test_apply_ends_with_what_it_did_where_it_cannot_print_it(
    database: Database, tmp_path: Path
) -> None:
    """A full disk, and a terminal without the characters of a role's name."""
    directory = flights(tmp_path)
    for name in ("Zoë", "Noël"):
        document = {
            "apiVersion": "putnam120.postgregent/v1alpha1",
            "kind": "User",
            "metadata": {"name": f"user-{len(name)}"},
            "spec": {"userName": name, "database": "mydb"},
        }
        (directory / "more.yaml").write_text(yaml.safe_dump(document))
        is_full = name == "Zoë"
        status, out, err = await _apply(directory, database, is_full=is_full)
        assert status == 0, err
        if is_full:
            assert err.endswith(
                "The output could not be written: No space left on device."
                " The exit status says what was done.\n"
            )
        else:
            assert "create role No\\xebl" in out
            assert "Traceback" not in err
        connection = await database.connect()
        assert await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", name)


async def _apply(directory: Path, database: Database, *, is_full: bool) -> tuple[int, str, str]:
    with Path("/dev/full").open("w") as full:  # noqa: ASYNC230 - a device
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", "apply", str(directory), "--dsn", database.dsn(), "--all",
            cwd=ROOT,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
            stdout=full if is_full else asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
    return process.returncode or 0, (out or b"").decode(), err.decode()


@pytest.mark.found("E131")
async def test_json_stays_json_where_the_encoding_lacks_characters(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "apiVersion: putnam120.postgregent/v1alpha1\nkind: Usër\nmetadata: {name: x}\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", "validate", str(tmp_path), "-o", "json",
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 1
    assert json.loads(out)["problems"][0]["value"] == "Usër"


@pytest.mark.found("E134")
async def test_a_role_that_nobody_is_called_is_an_error_with_the_nearest_name(
    database: Database, tmp_path: Path
) -> None:
    """Before anything is applied; and JSON is of the one role, too."""
    directory = str(flights(tmp_path))
    for command in ("plan", "apply"):
        ended = await postgregent(
            command, directory, "--dsn", database.dsn(), "--role", "mydb-veiwer"
        )
        assert ended.status == 1
        assert "Did you mean mydb-viewer?" in ended.err
    plan = await postgregent(
        "plan", directory, "--dsn", database.dsn(), "--role", "mydb-viewer", "-o", "json"
    )
    assert plan.status == 2
    assert {"summer-intern-2", "flights-admin"}.isdisjoint(plan.data()["losses"])
    assert all("mydb-viewer" in change["what"] for change in plan.data()["changes"])
