"""`postgregent diff`: by what everybody has in the end, whatever the files look like."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.command import Ended, flights, postgregent
from tests.postgres.database import Database


def git(directory: Path, *words: str) -> None:
    named = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
    command = ("git", "-C", str(directory), *named, *words)
    subprocess.run(command, check=True, capture_output=True)


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")


def steps(ended: Ended, person: str, which: str) -> set[tuple[str, str]]:
    [found] = [one for one in ended.data()["persons"] if one["name"] == person]
    return {
        (step["word"], thing["name"])
        for step in found[which]
        for thing in step["objects"] or [{"name": ""}]
    }


async def test_a_change_is_compared_with_the_server_and_with_a_revision(
    database: Database, tmp_path: Path
) -> None:
    directory = flights(tmp_path)
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "as it was")
    dsn, place = database.dsn(), str(directory)

    fresh = await postgregent("diff", dsn, place, "-o", "json")
    assert fresh.status == 2, fresh.err
    gained = steps(fresh, "summer-intern-2", "gains")
    assert {("LOGIN", ""), ("SELECT", "table schema1.flights")} <= gained
    assert not steps(fresh, "summer-intern-2", "losses")
    other_way = await postgregent("diff", place, dsn, "-o", "json")
    assert steps(other_way, "summer-intern-2", "losses") == gained

    await postgregent("apply", place, "--dsn", dsn)
    same = await postgregent("diff", dsn, place)
    assert (same.status, "Nobody gains or loses access" in same.out) == (0, True), same.out
    await database.execute('GRANT TRUNCATE ON schema1.flights TO "mydb-viewer"')
    drifted = await postgregent("diff", dsn, place, "-o", "json")
    assert steps(drifted, "summer-intern-2", "losses") == {("TRUNCATE", "table schema1.flights")}

    replace(directory / "permissions.yaml", "    - SELECT\n", "    - SELECT\n    - REFERENCES\n")
    changed = await postgregent("diff", f"{place}@main", place, "--dsn", dsn, "-o", "json")
    assert changed.status == 2, changed.err
    gained = steps(changed, "summer-intern-2", "gains")
    assert ("REFERENCES", "table schema1.flights") in gained
    assert {word for word, _ in gained} == {"REFERENCES"}
    shown = await postgregent("diff", f"{place}@main", place, "--dsn", dsn)
    assert "+ REFERENCES on" in shown.out
    assert "+ REFERENCES on tables schema1.* in mydb: summer-intern-2" in shown.out
    assert database.server.password.get_secret_value() not in drifted.out + drifted.err
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "as it is")
    ended = await postgregent("diff", f"{place}@HEAD", place, "--dsn", dsn)
    assert ended.status == 0, ended.out
    replace(directory / "permissions.yaml", "    - flights\n", "    - flights\n    - planes\n")
    ended = await postgregent("diff", f"{place}@HEAD", place, "--dsn", dsn, "-o", "json")
    assert (ended.status, ended.data()["persons"]) == (2, []), ended.err
    what = {one["what"]: one["gaining"] for one in ended.data()["later"]}
    assert what["SELECT on tables *.planes in mydb"] == ["flights-admin"]


@pytest.mark.versions(18)
async def test_what_cannot_be_read_is_never_no_difference(
    database: Database, tmp_path: Path
) -> None:
    directory, dsn = flights(tmp_path), database.dsn()
    await database.execute("CREATE DATABASE shut ALLOW_CONNECTIONS false")
    ended = await postgregent("diff", dsn, dsn)
    assert (ended.status, "shut could not be read" in ended.out) == (1, True), ended.out
    await database.execute("DROP DATABASE shut")
    for wrong, said in (
        (f"{directory}@main", "git rev-parse"),
        (f"{directory}@--help", "git rev-parse"),
        ("nowhere", "no DIR@REV and no DSN"),
    ):
        ended = await postgregent("diff", wrong, str(directory), "--dsn", dsn)
        assert (ended.status, said in ended.err, "→" in ended.err) == (1, True, True), ended.err
    ended = await postgregent("diff", dsn, str(directory), "--role", "summer-intern-3")
    assert "Did you mean summer-intern-2?" in ended.err
