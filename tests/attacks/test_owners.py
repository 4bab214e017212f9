"""Ways to become the owner of what is another's, by `owns` (rules 12, 27; ADR 36).

Whoever owns a schema drops all that stands in it, whoever owns that.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.facts.once import all_ready, applied, is_settled, outcome
from tests.postgres.database import Database

pytestmark = [
    pytest.mark.every_version,
    pytest.mark.slow_versions(14, 16, 17),
    pytest.mark.rule("12"),
]

OWNERS = "SELECT nspname::text, nspowner::regrole::text FROM pg_namespace"


async def owners(database: Database) -> dict[str, str]:
    look = await database.connect()
    return {row[0]: row[1] for row in await look.fetch(OWNERS)}


def thief(*schemas: str, role: str = "thief") -> str:
    """A Role that wants these."""
    listed = ", ".join(f"{{name: '{name}', create: true}}" for name in schemas)
    return f"Role/{role}: {{database: mydb, owns: {{schemas: [{listed}]}}}}\n"


@pytest.mark.parametrize("pattern", [None, "*"])
async def test_nobody_gets_a_schema_of_the_system_or_one_that_is_looked_into_first(
    database: Database, pattern: str | None
) -> None:
    """Not by the pattern `*` either; and one that is called as a role is in its search_path."""
    await database.execute("CREATE ROLE victim LOGIN; CREATE SCHEMA victim AUTHORIZATION victim")
    allow = {"allow": {"ownedSchemas": [pattern]}} if pattern else {}
    before = await owners(database)
    never = ("pg_catalog", "information_schema", "pg_toast", "postgregent", "pg_mine")
    special = ("public", "victim", "app_owner")
    wanted = "".join(thief(name, role=f"t{n}") for n, name in enumerate(never + special))
    report = await applied(database, wanted, regent=allow)
    for n, name in enumerate(never + special):
        said = outcome(report, f"Role/t{n}")
        assert said.reason == "NotAllowed", name
        assert ("spec.allow.ownedSchemas" in said.message) == (name in special), said.message
    assert await owners(database) == before
    listed = {"allow": {"ownedSchemas": list(special)}}
    wanted = thief(*special, "thief")
    assert all_ready(await applied(database, wanted, 2, regent={**listed, "brake": "Disabled"}))
    after = await owners(database)
    assert [after[name] for name in (*special, "thief")] == ["thief"] * 4
    assert await is_settled(database, wanted, 3, regent=listed)


async def test_what_an_unmanaged_role_owns_is_taken_only_where_the_regent_lists_it(
    database: Database,
) -> None:
    """`allow.schemas` says what may be named, which is less; the role's author names it anyway."""
    before = await owners(database)
    for allow in ({}, {"schemas": ["schema1", "schema2"]}, {"ownedSchemas": ["schema2"]}):
        report = await applied(database, thief("schema1"), regent={"allow": allow})
        said = outcome(report, "Role/thief")
        assert (said.state, said.reason) == ("Stalled", "NotAllowed")
        assert "'app_owner'" in said.message
        assert "spec.allow.ownedSchemas" in said.message
    outside = {"allow": {"schemas": ["other"], "ownedSchemas": ["*"]}}
    report = await applied(database, thief("schema1", "new"), regent=outside)
    assert "spec.allow.schemas" in outcome(report, "Role/thief").message
    assert await owners(database) == before


async def test_two_that_claim_one_schema_get_nothing_and_who_owns_it_keeps_it(
    database: Database,
) -> None:
    """No winner by the order of names."""
    allow = {"allow": {"ownedSchemas": ["schema1"]}}
    other = "Role/another: {database: mydb, owns: {schemas: [{name: schema1}]}}\n"
    report = await applied(database, thief("schema1") + other, regent=allow)
    for one in ("thief", "another"):
        said = outcome(report, f"Role/{one}")
        assert said.reason == "OwnerConflict"
        assert "'thief' (Role/default/thief)" in said.message
        assert "'another' (Role/default/another)" in said.message
    assert (await owners(database))["schema1"] == "app_owner"
    assert all_ready(await applied(database, other + "Role/thief: {database: mydb}", regent=allow))
    report = await applied(database, thief("schema1") + other, regent=allow)
    assert outcome(report, "Role/another").is_ready
    assert outcome(report, "Role/thief").reason == "OwnerConflict"
    assert (await owners(database))["schema1"] == "another"


async def test_an_extensions_schema_stays_the_extensions(
    database: Database,
) -> None:
    """Its owner could put functions beside those that the extension's next version calls."""
    await database.execute("CREATE SCHEMA ext; ALTER EXTENSION plpgsql ADD SCHEMA ext", "postgres")
    allow = {"allow": {"ownedSchemas": ["ext"]}}
    report = await applied(database, thief("ext"), regent=allow)
    assert outcome(report, "Role/thief").reason == "NotAllowed"
    assert "extension" in outcome(report, "Role/thief").message
    assert (await owners(database))["ext"] == "postgres"


async def test_databases_that_the_regent_does_not_serve_are_nobodys_to_have(
    database: Database,
) -> None:
    """The home database, templates, those of others; and what it serves belongs to somebody."""
    await database.execute("CREATE DATABASE others", "postgres")
    look = await database.connect()
    question = "SELECT array_agg(datname || datdba::regrole ORDER BY oid) FROM pg_database"
    await applied(database, "Role/keeper: {database: mydb}")
    before = await look.fetchval(question)
    never = ("postgregent", "template0", "template1", "postgres", "others", "new", "mydb")
    wanted = "".join(
        f"Role/t{n}: {{database: mydb, owns: {{databases: [{{name: {name}, create: true}}]}}}}\n"
        for n, name in enumerate(never)
    )
    for wants, allow in ((wanted, {}), (wanted.rpartition("Role/")[0], {"ownedDatabases": ["*"]})):
        report = await applied(database, wants, regent={"allow": allow})
        for n in range(wants.count("Role/")):
            assert outcome(report, f"Role/t{n}").reason == "NotAllowed", never[n]
    assert await look.fetchval(question) == before


@pytest.mark.rule("3")
async def test_another_namespace_owns_what_its_entry_lists_and_nothing_else(
    database: Database,
) -> None:
    """Also where the Regent's own namespace may have everything; the twin is listed."""
    await database.execute("CREATE SCHEMA app_a", "postgres")
    wanted = (
        "Role/team-a/r: {database: mydb, roleName: a_r, owns: {schemas: [{name: app_a}]}}\n"
        "Role/team-a/s: {database: mydb, roleName: a_s, owns: {schemas: [{name: b, create: true}]}}"
    )
    entry = {"databases": ["mydb"], "schemas": ["app_a"], "names": ["a_*"]}
    before = await owners(database)

    def regent(**more: list[str]) -> dict[str, Any]:
        spec = {
            "allow": {"ownedSchemas": ["*"]},
            "allowedNamespaces": [{"names": ["team-a"], "allow": {**entry, **more}}],
        }
        return {"regent": spec, "namespaces": {"team-a": 0}}

    report = await applied(database, wanted, **regent())
    for name, missing in (("r", "allow.ownedSchemas"), ("s", "allow.schemas")):
        said = outcome(report, f"Role/team-a/{name}")
        assert said.reason == "NotAllowed"
        assert f"spec.allowedNamespaces[0].{missing}" in said.message
    assert await owners(database) == before
    listed = regent(ownedSchemas=["app_a"], schemas=["app_a", "b"])
    assert all_ready(await applied(database, wanted, 2, **listed))
    after = await owners(database)
    assert (after["app_a"], after["b"]) == ("a_r", "a_s")
