"""`postgregent adopt`: some roles of a server under management, one after another."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.adopt import Wanted, run_adopt
from cli.declared import Request, declare
from regent.adopt.adopt import adopt
from regent.adopt.look import Asked, Shown, look
from regent.apply.result import ChangeResult
from regent.gate.adopting import LossesChangedError
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


@pytest.mark.rule("10")
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
    without(out, ("Permission", crews))
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


async def small_mess(database: Database, out: Path) -> None:
    """Two who are in one group, one beside them, and their manifests."""
    await database.execute("""
        CREATE ROLE crew; CREATE ROLE anna LOGIN; CREATE ROLE ben LOGIN; CREATE ROLE cleo LOGIN;
        GRANT crew TO anna, ben;
        GRANT USAGE ON SCHEMA schema1, schema2 TO crew, ben, cleo;
        GRANT SELECT ON schema1.flights TO crew;
        GRANT INSERT ON schema1.bookings TO crew;
        GRANT SELECT ON schema2.crews TO ben;
        GRANT SELECT, UPDATE ON schema1.routes TO cleo;
    """)
    await exported(database, out, "--roles", "crew", "--roles", "anna", "--roles", "ben",
                   "--roles", "cleo")  # fmt: skip


def narrowed(out: Path, kind: str, name: str, part: str) -> None:
    """It lists no Permission of this name any more."""

    def change(one: dict[str, Any]) -> None:
        kept = [x for x in one["spec"].get("permissions", []) if part not in x]
        assert len(kept) < len(one["spec"]["permissions"])
        one["spec"]["permissions"] = kept

    edit(out, kind, name, change)


async def marks(database: Database) -> set[str]:
    """The roles that are managed."""
    return {role for (role,) in await home(database, "SELECT role FROM postgregent.marks")}


@pytest.mark.found("E460")
async def test_a_digest_is_of_what_would_be_lost_and_nothing_else(
    database: Database, tmp_path: Path
) -> None:
    """Members of a Role lose what it loses, each by name; who waits stays a member."""
    out = tmp_path / "out"
    await small_mess(database, out)
    narrowed(out, "Role", "crew", "insert")
    before = await everybody(database)
    shown = await adopted(database, out, "--role", "anna")
    document = shown.data()
    losses = {(name, "schema1.bookings", "INSERT") for name in ("anna", "ben")}
    assert (shown.status, document["applied"], lost(document)) == (1, False, losses)
    assert [one["name"] for one in document["persons"] if not one["login"]] == ["crew"]
    table = await postgregent("adopt", str(out), "--dsn", database.dsn(), "--role", "anna")
    assert (table.status, document["digest"] in table.err) == (1, True)
    assert "anna, ben, crew (no LOGIN)" in table.out
    assert "- INSERT on table schema1.bookings in mydb" in table.out

    await database.execute("GRANT DELETE ON schema1.flights TO crew")
    had = await everybody(database)
    refused = await adopted(database, out, "--role", "anna", "--digest", document["digest"])
    assert (refused.status, "is of other losses" in refused.err) == (1, True), refused.out
    assert await everybody(database) == had
    again = (await adopted(database, out, "--role", "anna")).data()
    narrowed(out, "Role", "crew", "select")
    refused = await adopted(database, out, "--role", "anna", "--digest", again["digest"])
    assert (refused.status, await everybody(database)) == (1, had), "the directory has changed"
    again = (await adopted(database, out, "--role", "anna")).data()
    await database.execute("GRANT SELECT ON schema1.bookings TO cleo")  # somebody else's gain
    had = await everybody(database)
    ended = await adopted(database, out, "--role", "anna", "--digest", again["digest"])
    assert (ended.status, ended.data()["applied"]) == (0, True), ended.err
    after = await everybody(database)
    assert had - after == lost(ended.data()) == lost(again)
    assert not after - had
    assert {one for one in before if one[0] == "cleo"} < after
    repeated = await is_adopted(database, out, "--role", "anna")
    assert (repeated["summary"], repeated["leftAlone"]) == (
        {"add": 0, "change": 0, "takeAway": 0}, ["ben"]
    )  # fmt: skip


async def test_what_is_not_chosen_is_not_deleted_and_nobody_elses(
    database: Database, tmp_path: Path
) -> None:
    """Neither what the directory has no more, nor what another Regent of the server has."""
    out, other = tmp_path / "out", tmp_path / "other"
    await small_mess(database, out)
    connection = await database.connect()
    await connection.execute("CREATE DATABASE elsewhere")
    dsn = database.server.dsn("elsewhere")
    exporting = ("export", str(other), "--dsn", dsn, "--roles", "cleo", "--name", "other")
    assert (await postgregent(*exporting)).status == 0
    assert (await postgregent("apply", str(other), "--dsn", dsn)).status == 0
    rows = "SELECT r::text FROM postgregent.regents AS r WHERE regent = 'default/other'"
    kept = "SELECT m::text FROM postgregent.marks AS m WHERE regent = 'default/other'"
    theirs = await home(database, rows), await home(database, kept)
    assert all(theirs)

    await is_adopted(database, out, "--role", "anna")
    untouched = await catalog(database)
    without(out, ("User", "anna"), ("Role", "crew"))
    edit(out, "User", "ben", lambda one: one["spec"].update(roles=[], database="mydb"))
    planned = await postgregent("plan", str(out), "--dsn", database.dsn(), "-o", "json")
    assert any("anna" in one["roles"] for one in planned.data()["losses"]), "it would end her"
    ended = await adopted(database, out, "--role", "ben", "--role", "cleo", "--yes")
    document = ended.data()
    assert (ended.status, document["adopted"]) == (1, ["User/default/ben"]), ended.err
    [left] = document["notAdopted"]
    assert (left["resource"], left["reason"]) == ("User/default/cleo", "NameConflict")
    assert {"User/default/anna", "Role/default/crew"} <= (await accepted_of(database))[
        "resources"
    ].keys()
    assert {"anna", "crew", "ben", "cleo"} == await marks(database)
    [lost_by] = [one for one in document["persons"] if one["losses"]]
    assert lost_by["name"] == "ben"
    gone = await catalog(database)
    assert gone != untouched
    assert (await home(database, rows), await home(database, kept)) == theirs


async def test_a_role_with_a_problem_stays_out_with_who_needs_it(
    database: Database, tmp_path: Path
) -> None:
    """And comes in once that is corrected, with the directory's Regent where that is asked for."""
    out = tmp_path / "out"
    await small_mess(database, out)
    edit(out, "Regent", "mydb", lambda one: one["spec"].update(allow={"adopt": ["c*"]}))
    untouched = await catalog(database)
    wrong = await adopted(database, out, "--role", "clea", "--yes")
    assert (wrong.status, "Did you mean cleo?" in wrong.err) == (1, True), wrong.err
    ended = await adopted(database, out, "--role", "cleo", "--role", "ben", "--yes")
    document = ended.data()
    assert (ended.status, document["adopted"]) == (1, ["User/default/cleo"]), ended.err
    [left] = document["notAdopted"]
    assert "allow.adopt" in left["message"]
    assert await marks(database) == {"cleo"}
    assert "User/default/ben" not in (await accepted_of(database))["resources"]

    edit(out, "Regent", "mydb", lambda one: one["spec"].update(allow={"adopt": ["c*", "ben"]}))
    ended = await adopted(database, out, "--role", "ben", "--yes")
    assert (ended.status, "--with-regent" in ended.out) == (1, True), ended.out
    edit(out, "Role", "crew", lambda one: one["spec"].pop("adopt"))
    ended = await adopted(database, out, "--role", "ben", "--with-regent", "--yes")
    [left] = ended.data()["notAdopted"]
    assert (left["because"], left["reason"]) == ("Role/default/crew", "ExistsUnmanaged")
    edit(out, "Role", "crew", lambda one: one["spec"].update(adopt=True))
    document = await is_adopted(database, out, "--role", "ben", "--with-regent")
    assert (document["along"][0], document["leftAlone"]) == (
        "Permission/default/" + document["along"][0].rpartition("/")[2], ["anna"]
    )  # fmt: skip
    assert await marks(database) == {"ben", "cleo", "crew"}
    assert await catalog(database) == untouched


async def test_the_yes_to_an_adoption_is_that_of_the_brake_and_of_an_approval(
    database: Database, tmp_path: Path
) -> None:
    """All that they would hold back was shown. What somebody else has pushed meanwhile was not."""
    out = tmp_path / "out"
    await small_mess(database, out)
    for part in ("select", "insert", "usage"):
        if any(part in x for x in manifests(out)["Role", "crew"]["permissions"]):
            narrowed(out, "Role", "crew", part)
    spec = {"approval": "Manual", "brake": {"minimum": 1, "percent": 0}}
    edit(out, "Regent", "mydb", lambda one: one["spec"].update(spec))
    had = await everybody(database)
    document = await is_adopted(database, out, "--role", "anna")
    assert had - await everybody(database) == lost(document) != set()
    document = await is_adopted(database, out, "--role", "cleo")
    assert lost(document) == set()

    pushed = await postgregent("apply", str(out), "--dsn", database.dsn())
    assert pushed.status == 3, pushed.out
    ended = await adopted(database, out, "--role", "ben", "--yes")
    assert (ended.status, "waits for approval" in ended.err) == (1, True), ended.err
    assert await marks(database) == {"anna", "cleo", "crew"}


async def looked(database: Database, out: Path) -> tuple[Asked, Shown]:
    """What the command has shown before it asks, for Anna."""
    declared = await declare(Request(out, database.dsn()))
    asked = Asked(declared.state, frozenset({"User/default/anna"}))
    return asked, await look(declared.settings, asked)


async def test_what_changes_while_a_person_reads_is_not_done(
    database: Database, tmp_path: Path
) -> None:
    """It is looked at once more, under the lock."""
    out = tmp_path / "out"
    await small_mess(database, out)
    narrowed(out, "Role", "crew", "insert")
    asked, shown = await looked(database, out)
    await database.execute("GRANT DELETE ON schema1.flights TO crew")
    had = await everybody(database)
    with pytest.raises(LossesChangedError):
        await adopt(shown, asked, shown.digest)
    assert (await everybody(database), await marks(database)) == (had, set())


async def test_what_was_interrupted_is_called_again(database: Database, tmp_path: Path) -> None:
    """Whatever of it is there by then: the rest is shown and done."""
    out = tmp_path / "out"
    await small_mess(database, out)
    narrowed(out, "Role", "crew", "insert")
    asked, shown = await looked(database, out)

    def end(results: Sequence[ChangeResult], of: int) -> None:
        raise KeyError(len(results), of)

    with pytest.raises(KeyError):
        await adopt(shown, asked, shown.digest, heed=end)
    had = await everybody(database)
    document = await is_adopted(database, out, "--role", "anna")
    assert had - await everybody(database) == lost(document)
    assert await marks(database) == {"anna", "crew"}
    booking = {(name, "schema1.bookings", "INSERT") for name in ("anna", "ben")}
    assert booking <= had | lost(document)
    assert not booking & await everybody(database)


async def test_who_loses_everything_is_shown_it_and_a_password_that_is_unknown_keeps_a_role_out(
    database: Database, tmp_path: Path
) -> None:
    """Also by the first adoption of all, which makes the home database."""
    out = tmp_path / "out"
    await small_mess(database, out)
    reference = {"passwordSecretRef": {"name": "cleos", "key": "password"}}
    edit(out, "User", "cleo", lambda one: one["spec"].update(reference))
    edit(out, "User", "ben", lambda one: one["spec"].update(enabled=False))
    had = await everybody(database)
    ended = await adopted(database, out, "--role", "ben", "--role", "cleo", "--yes")
    document = ended.data()
    assert (ended.status, document["adopted"]) == (1, ["User/default/ben"]), ended.err
    assert (document["notAdopted"][0]["reason"], document["sessionsEnd"]) == (
        "SecretNotFound", ["ben"]
    )  # fmt: skip
    assert had - await everybody(database) == lost(document) == {x for x in had if x[0] == "ben"}
    password = {"POSTGREGENT_SECRET_CLEOS__PASSWORD": "her-own-secret"}
    arguments = (str(out), "--dsn", database.dsn(), "--role", "cleo", "--yes", "--secrets-from-env")
    ended = await postgregent("adopt", *arguments, environment=password)
    assert (ended.status, "her-own-secret" in ended.out + ended.err) == (0, False), ended.err
    await (await database.connect("cleo", "her-own-secret")).fetch("SELECT 1")


@pytest.mark.versions(18)
async def test_a_person_is_asked_and_what_a_cluster_declares_is_not_touched(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    await small_mess(database, out)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    request, wanted = Request(out, database.dsn()), Wanted(roles=("anna",))
    questions: list[str] = []
    for answer in (False, True):

        def ask(question: str, answer: bool = answer) -> bool:
            questions.append(question)
            return answer

        assert await run_adopt(request, wanted, "table", ask) == (0 if answer else 1)
    assert len(questions) == 2
    assert await marks(database) == {"anna", "crew"}
    from_a_cluster = """UPDATE postgregent.regents
        SET accepted = jsonb_set(accepted, '{state,origin}', '"a-cluster"')"""
    await home(database, from_a_cluster)
    ended = await adopted(database, out, "--role", "ben", "--yes")
    assert (ended.status, "came from a cluster" in ended.err) == (1, True), ended.err
