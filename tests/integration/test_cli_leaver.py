"""The plan of somebody who leaves says what is owned, where it goes, and what stays and why."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.command import flights, postgregent
from tests.postgres.database import Database


@pytest.mark.found("D33")
@pytest.mark.rule("27")
async def test_the_plan_of_a_leaver_says_what_is_owned_and_what_becomes_of_it(
    database: Database, tmp_path: Path
) -> None:
    """Counts by database and kind; the new owner where one is named, the reason where none is."""
    directory = flights(tmp_path)
    users = {"heir": {}, "leaver": {"reassignOwnedTo": "heir"}, "goner": {}}
    for name, more in users.items():
        document = {
            "apiVersion": "putnam120.postgregent/v1alpha1",
            "kind": "User",
            "metadata": {"name": name},
            "spec": {
                "database": "mydb",
                "passwordSecretRef": {"name": "mydb-intern-passwords", "key": "intern-2"},
                **more,
            },
        }
        (directory / f"{name}.yaml").write_text(yaml.safe_dump(document))
    regent = directory / "regent.yaml"
    document = yaml.safe_load(regent.read_text())
    document["spec"]["allow"] = {"reassignOwnedTo": ["heir"]}
    regent.write_text(yaml.safe_dump(document))
    arguments = (str(directory), "--dsn", database.dsn())
    applied = await postgregent("apply", *arguments)
    assert applied.status == 0, applied.out + applied.err
    await database.execute(
        "CREATE SCHEMA attic;"
        " CREATE TABLE attic.a (); CREATE TABLE attic.b (); CREATE TABLE attic.c ();"
        " ALTER TABLE attic.a OWNER TO leaver; ALTER TABLE attic.b OWNER TO leaver;"
        " ALTER TABLE attic.c OWNER TO goner; ALTER SCHEMA attic OWNER TO leaver"
    )
    elsewhere = await database.server.connect()
    await elsewhere.execute("CREATE DATABASE other OWNER leaver")
    await elsewhere.close()
    other = await database.server.connect("other")
    await other.execute("CREATE TABLE public.d (); ALTER TABLE public.d OWNER TO leaver")
    await other.close()
    for name in ("leaver", "goner"):
        (directory / f"{name}.yaml").unlink()
    plan = await postgregent("plan", *arguments)
    assert plan.status == 2, plan.out + plan.err
    assert "leaver owns 2 relations, 1 schema in mydb: this goes to heir" in plan.out
    assert "leaver owns 1 database shared by all databases: this goes to heir" in plan.out
    assert (
        "leaver owns 1 relation in other: this stays: this Regent does not serve other" in plan.out
    )
    assert 'REASSIGN OWNED BY "leaver" TO "heir"' in plan.out
    assert "goner owns 1 relation in mydb: this stays: the role cannot be dropped." in plan.out
    assert "reassignOwnedTo" in plan.out
    data = (await postgregent("plan", *arguments, "-o", "json")).data()
    owned = {(one["role"], one["database"]): one for one in data["owned"]}
    assert owned["leaver", "mydb"]["goesTo"] == "heir"
    assert owned["goner", "mydb"]["goesTo"] is None
    assert owned["leaver", "mydb"]["objects"] == {"relation": 2, "schema": 1}


@pytest.mark.found("E173")
@pytest.mark.rule("27", "29")
async def test_an_apply_that_could_not_end_a_leaver_says_so_and_who_was_in_the_way(
    database: Database, tmp_path: Path
) -> None:
    """Seen on 18: a pipeline took an offboarding for done, as a deleted resource has no outcome."""
    directory = flights(tmp_path)
    on_tablespace = {"database": "mydb", "tablespaces": ["pg_default"], "actions": ["CREATE"]}
    leaver = {"database": "mydb", "permissions": ["space"]}
    for kind, name, spec in (("Permission", "space", on_tablespace), ("User", "leaver", leaver)):
        document = {
            "apiVersion": "putnam120.postgregent/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        (directory / f"{name}.yaml").write_text(yaml.safe_dump(document))
    arguments = ("apply", str(directory), "--dsn", database.dsn())
    applied = await postgregent(*arguments)
    assert applied.status == 0, applied.out + applied.err
    (directory / "leaver.yaml").unlink()
    holder = await database.connect("postgres")
    await holder.execute("BEGIN; GRANT CREATE ON TABLESPACE pg_default TO app_owner")
    held = await postgregent(*arguments)
    assert held.status == 3, held.out + held.err
    said = " ".join(held.out.split())
    _, _, of_the_drop = said.partition("drop role leaver")
    assert f"pid {holder.get_server_pid()} (postgres)" in of_the_drop, held.out
    await holder.execute("ROLLBACK")
    ended = await postgregent(*arguments)
    assert ended.status == 0, ended.out + ended.err
