"""Whose new objects a Role may be given: what a superuser makes may be an extension's (rule 12)."""

from __future__ import annotations

import pytest

from tests.integration.facts.once import all_ready, applied, is_settled, outcome
from tests.postgres.database import Database

TEXT = """
Role/reader:
  database: mydb
  defaultPrivileges: [{creator: my-admin, objects: routines, actions: [EXECUTE]}]
"""
MAY = "SELECT has_function_privilege('reader', $1::regproc, 'EXECUTE')"
EXTENSION = """
CREATE SCHEMA ext; CREATE EXTENSION pg_stat_statements SCHEMA ext;
CREATE FUNCTION schema1.plain() RETURNS integer LANGUAGE sql AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION schema1.plain() FROM PUBLIC
"""
RESET = "ext.pg_stat_statements_reset"
"""PUBLIC may not call it."""


@pytest.mark.rule("12", "13")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_what_a_superuser_will_make_is_for_nobody_without_its_exact_name(
    database: Database,
) -> None:
    """By a default privilege of a DBA it would get an extension's functions as they are made."""
    for revision, creators in enumerate((None, [], ["*"], ["my-*"]), start=1):
        allow = {} if creators is None else {"creators": creators}
        report = await applied(database, TEXT, revision, regent={"allow": allow})
        said = outcome(report, "Role/reader")
        assert said.reason == "NotAllowed", said
        assert "spec.allow.creators" in said.message
    look = await database.connect()
    assert await look.fetchval("SELECT count(*) FROM pg_default_acl") == 0
    await look.execute(EXTENSION)
    assert not await look.fetchval(MAY, RESET)


@pytest.mark.rule("12", "13")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_where_it_is_meant_it_is_given_and_extensions_keep_theirs(database: Database) -> None:
    """The twin: what the script of an extension leaves to the Role is taken from it."""
    regent = {"allow": {"creators": ["my-admin"], "actions": ["EXECUTE"]}}
    assert all_ready(await applied(database, TEXT, regent=regent))
    look = await database.connect()
    await look.execute(EXTENSION)
    assert await look.fetchval(MAY, RESET)
    assert all_ready(await applied(database, TEXT, 2, regent=regent))
    assert not await look.fetchval(MAY, RESET)
    assert await look.fetchval(MAY, "schema1.plain")
    assert await is_settled(database, TEXT, 2, regent=regent)


@pytest.mark.found("E227")
@pytest.mark.rule("12")
@pytest.mark.versions(15, 18)
async def test_who_names_a_creator_that_never_was_keeps_nothing_that_another_one_gives(
    database: Database,
) -> None:
    """The twin: of one that is called otherwise now nothing is taken."""
    look = await database.connect()
    await look.execute(
        "CREATE ROLE bob; CREATE ROLE svc_a; GRANT CREATE, USAGE ON SCHEMA schema1 TO bob"
    )

    def text(creator: str) -> str:
        one = f"creator: {creator}, objects: tables, actions: [SELECT], schemas: [schema1]"
        return f"Role/reader: {{database: mydb, defaultPrivileges: [{{{one}}}]}}"

    async def push(creator: str, revision: int, creators: list[str]) -> str:
        regent = {"allow": {"creators": creators}, "brake": {"mode": "Disabled"}}
        report = await applied(database, text(creator), revision, regent=regent)
        return outcome(report, "Role/reader").reason

    givers = "SELECT array_agg(defaclrole::regrole::text) FROM pg_default_acl"
    assert await push("svc_a", 1, ["svc_*", "bob"]) == "Applied"
    await look.execute("ALTER ROLE svc_a RENAME TO svc_b")
    assert await push("svc_a", 1, ["svc_*", "bob"]) == "RoleNotFound"
    assert await look.fetchval(givers) == ["svc_b"]
    assert await push("bob", 2, ["svc_*", "bob"]) == "Applied"
    await look.execute("SET ROLE bob; CREATE TABLE schema1.made (); RESET ROLE")
    assert await look.fetchval("SELECT has_table_privilege('reader', 'schema1.made', 'SELECT')")
    assert await push("svc_ghost", 3, ["svc_*"]) == "RoleNotFound"
    assert await look.fetchval(givers) is None
    assert not await look.fetchval("SELECT has_table_privilege('reader', 'schema1.made', 'SELECT')")
