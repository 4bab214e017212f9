"""EXECUTE on what does more than its caller may, given by a Permission (ADR 68)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.facts.once import all_ready, applied, is_settled, outcome
from tests.postgres.database import Database

pytestmark = [pytest.mark.every_version, pytest.mark.slow_versions(14, 16, 17)]

OPS = """
CREATE ROLE boss SUPERUSER; CREATE SCHEMA ops; CREATE EXTENSION dblink SCHEMA ops;
CREATE FUNCTION ops.run(what text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$ BEGIN EXECUTE what; END $$;
CREATE FUNCTION ops.plain(int) RETURNS int LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION ops.ours(int) RETURNS int LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS 'SELECT $1';
ALTER FUNCTION ops.run(text) OWNER TO boss; ALTER FUNCTION ops.plain(int) OWNER TO boss;
ALTER FUNCTION ops.ours(int) OWNER TO app_owner;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA ops FROM PUBLIC
"""
WANTED = """
Permission/pattern: {database: mydb, schemas: ['o*'], routines: ['*'], actions: [EXECUTE]}
Permission/named: {database: mydb, schemas: [ops], routines: ['run(text)'], actions: [EXECUTE]}
Permission/library: {database: mydb, schemas: ['*'], routines: ['dblink_connect_u*'],
  extensions: true, actions: [EXECUTE]}
Role/u: {database: mydb, permissions: [pattern, named, library]}
"""
OPEN: dict[str, Any] = {"allow": {"actions": ["EXECUTE"]}}


async def executes(database: Database) -> list[str]:
    """What was given to the Role itself."""
    look = await database.connect()
    rows = await look.fetch(
        "SELECT DISTINCT proname::text FROM pg_proc CROSS JOIN LATERAL aclexplode(proacl)"
        " WHERE grantee = 'u'::regrole ORDER BY 1"
    )
    return [row[0] for row in rows]


@pytest.mark.found("E530")
@pytest.mark.rule("12")
async def test_nobody_executes_as_a_superuser_what_the_regent_does_not_list(
    database: Database,
) -> None:
    """By a pattern it is a note and all else holds; by name it is refused. What he has goes."""
    await database.execute(OPS)
    report = await applied(database, WANTED)
    assert await executes(database) == ["ours", "plain"]
    pattern, named = outcome(report, "Permission/pattern"), outcome(report, "Permission/named")
    assert pattern.is_ready
    assert any("EXECUTE is not given on 'ops.run' of 'boss'" in note for note in pattern.notes)
    assert (named.state, named.reason) == ("Stalled", "NotAllowed")
    assert "spec.allow.actions" in named.message
    assert any("dblink_connect_u" in note for note in outcome(report, "Permission/library").notes)
    await database.execute(
        "GRANT EXECUTE ON FUNCTION ops.run(text), ops.dblink_connect_u(text) TO u"
    )
    await applied(database, WANTED, 2)
    assert await executes(database) == ["ours", "plain"]
    assert await is_settled(database, WANTED, 3)


@pytest.mark.found("E530")
async def test_what_becomes_such_code_is_taken(database: Database) -> None:
    """By SECURITY DEFINER, or by another owner; and it is given again with the way back."""
    await database.execute(OPS)
    for turn, back in (
        ("FUNCTION ops.plain(int) SECURITY DEFINER", "FUNCTION ops.plain(int) SECURITY INVOKER"),
        ("FUNCTION ops.ours(int) OWNER TO boss", "FUNCTION ops.ours(int) OWNER TO app_owner"),
    ):
        await applied(database, WANTED)
        assert await executes(database) == ["ours", "plain"]
        await database.execute(f"ALTER {turn}")
        await applied(database, WANTED)
        assert len(await executes(database)) == 1
        await database.execute(f"ALTER {back}")


@pytest.mark.found("E530")
async def test_where_the_regent_lists_execute_it_is_given_on_everybodys_routines(
    database: Database,
) -> None:
    """So is it where the author may give SUPERUSER."""
    await database.execute(OPS)
    assert all_ready(await applied(database, WANTED, regent=OPEN))
    assert await executes(database) == ["dblink_connect_u", "ours", "plain", "run"]
    strong = {"allow": {"attributes": ["superuser"]}}
    assert all_ready(await applied(database, WANTED, 2, regent=strong))
    assert len(await executes(database)) == 4


@pytest.mark.found("E530")
async def test_what_a_superuser_will_make_is_executed_by_nobody_by_default(
    database: Database,
) -> None:
    """The twin is an ordinary creator."""
    await database.execute("CREATE ROLE boss SUPERUSER")
    wanted = (
        "Role/u: {database: mydb, defaultPrivileges: ["
        "{creator: boss, objects: routines, actions: [ALL]},"
        "{creator: app_owner, objects: routines, actions: [ALL]}]}"
    )
    regent = {"allow": {"creators": ["boss", "app_owner"]}}
    report = await applied(database, wanted, regent=regent)
    assert any("what 'boss' makes" in note for note in outcome(report, "Role/u").notes)
    await database.execute(
        "GRANT CREATE ON SCHEMA public TO app_owner; SET ROLE boss;"
        "CREATE FUNCTION public.boss_made() RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "SET ROLE app_owner;"
        "CREATE FUNCTION public.app_made() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    )
    assert await executes(database) == ["app_made"]
