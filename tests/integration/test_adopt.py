"""`postgregent adopt`: some roles of a server under management, one after another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import Ended, postgregent
from tests.integration.test_export import catalog, exported, make_messy, manifests
from tests.postgres.database import Database

EVERYBODY = """
SELECT r.rolname, c.oid::regclass::text, p.privilege
  FROM pg_roles AS r, pg_class AS c,
       unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) AS p (privilege)
 WHERE r.rolcanlogin AND NOT r.rolsuper AND c.relkind IN ('r', 'v', 'p')
   AND c.relnamespace::regnamespace::text IN ('schema1', 'schema2', 'mine', 'public')
   AND has_table_privilege(r.oid, c.oid, p.privilege)
"""
HAS = set[tuple[str, str, str]]


async def everybody(database: Database) -> HAS:
    """Who has what on which table in the end, as the server says it."""
    connection = await database.connect()
    return {tuple(row) for row in await connection.fetch(EVERYBODY)}


async def adopted(database: Database, out: Path, *options: str) -> Ended:
    """The command, with its document."""
    arguments = (str(out), "--dsn", database.dsn(), "-o", "json")
    return await postgregent("adopt", *arguments, *options)


async def is_adopted(database: Database, out: Path, *options: str) -> dict[str, Any]:
    """The document of a command that is to succeed."""
    ended = await adopted(database, out, *options, "--yes")
    assert ended.status == 0, ended.out + ended.err
    return ended.data()


def lost(document: dict[str, Any]) -> HAS:
    """What it says that persons lose on tables at once."""
    return {
        (one["name"], thing["name"].removeprefix("table "), step["word"])
        for one in document["persons"]
        for step in one["losses"]
        for thing in step["objects"]
        if one["login"] and thing["kind"] == "table" and step["before"] == "AtOnce"
    }


def edit(out: Path, kind: str, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    """The spec of one resource."""
    for file in out.rglob("*.yaml"):
        documents = list(yaml.safe_load_all(file.read_text()))
        for one in documents:
            if (one["kind"], one["metadata"]["name"]) == (kind, name):
                change(one)
                file.write_text(yaml.safe_dump_all(documents))
                return
    raise AssertionError(f"{kind} {name}")


def without(out: Path, *names: tuple[str, str]) -> None:
    """These resources are deleted."""
    for file in out.rglob("*.yaml"):
        documents = list(yaml.safe_load_all(file.read_text()))
        kept = [one for one in documents if (one["kind"], one["metadata"]["name"]) not in names]
        if len(kept) < len(documents):
            file.write_text(yaml.safe_dump_all(kept))


async def home(database: Database, statement: str) -> list[tuple[Any, ...]]:
    """What the home database has."""
    connection = await database.server.connect("postgregent")
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def accepted_of(database: Database, regent: str = "default/mydb") -> dict[str, Any]:
    """The state that it has accepted."""
    [(text,)] = await home(
        database, f"SELECT accepted FROM postgregent.regents WHERE regent = '{regent}'"
    )
    found: dict[str, Any] = json.loads(text)["state"]
    return found


@pytest.mark.rule("8")
@pytest.mark.timeout(600)
async def test_roles_are_adopted_one_after_another_and_nobody_else_loses_anything(
    database: Database, tmp_path: Path
) -> None:
    """The loss shown is the loss; in the end all is as `apply` makes it."""
    await make_messy(database)
    out = tmp_path / "out"
    await exported(database, out)
    [crews] = [x for x in manifests(out)["User", "bob"]["permissions"] if "schema2" in x]
    edit(out, "User", "bob", lambda one: one["spec"]["permissions"].remove(crews))
    edit(out, "User", "odd-name-2", lambda one: one["metadata"].update(labels={"team": "odd"}))
    before, untouched = await everybody(database), await catalog(database)

    shown = await adopted(database, out, "--role", "bob")
    assert shown.status == 1, shown.out
    assert "--digest" in shown.err
    assert await catalog(database) == untouched
    document = await is_adopted(database, out, "--role", "bob")
    after = await everybody(database)
    assert {("bob", "schema2.crews", "SELECT")} <= before - after
    assert lost(document) == before - after
    assert not after - before
    assert {name for name, _, _ in before - after} == {"bob"}
    assert "alice" in document["leftAlone"]
    assert "Role/default/readers" in document["along"]

    table = await postgregent(
        "adopt", str(out), "--dsn", database.dsn(), "-l", "team in (odd)", "--yes"
    )
    assert (table.status, "Nobody loses or gains access" in table.out) == (0, True), table.out
    assert await everybody(database) == after
    await is_adopted(database, out, "--role", "public")
    assert await everybody(database) == after
    rest = [one for name in sorted(await roles_of(out)) for one in ("--role", name)]
    document = await is_adopted(database, out, *rest)
    assert (lost(document), document["pending"], document["leftAlone"]) == (set(), 0, [])
    assert await everybody(database) == after
    planned = await postgregent("plan", str(out), "--dsn", database.dsn(), "-o", "json")
    assert (planned.status, planned.data()["changes"]) == (0, [])
    staged, in_the_end = await accepted_of(database), await catalog(database)
    applied = await postgregent("apply", str(out), "--dsn", database.dsn())
    assert applied.status == 0, applied.out
    assert await catalog(database) == in_the_end
    whole = await accepted_of(database)
    assert staged["regent"] == whole["regent"]
    assert staged["resources"] == whole["resources"]


async def roles_of(out: Path) -> set[str]:
    """What the Roles and Users are called in PostgreSQL."""
    return {
        spec.get("userName") or spec.get("roleName") or name
        for (kind, name), spec in manifests(out).items()
        if kind in ("Role", "User")
    }
