"""Default privileges: given as declared, kept so, and taken with the role (rules 8, 9, 12)."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
import yaml

from tests.integration.facts.once import all_ready, applied, demote, is_settled, outcome
from tests.postgres.database import Database

READER = """
Permission/use: {database: mydb, schemas: [schema1, schema2], actions: [USAGE]}
Role/reader:
  database: mydb
  permissions: [use]
  defaultPrivileges:
    - {creator: app_owner, schemas: [schema1], objects: tables, actions: [SELECT]}
    - {creator: app_owner, objects: routines, actions: [EXECUTE]}
"""
BARE = "Role/reader: {database: mydb}\n"
DEFAULTS = """
SELECT pg_get_userbyid(d.defaclrole) || coalesce(' in ' || n.nspname, '') || ' '
    || d.defaclobjtype::text || ' ' || e.privilege_type
    || CASE WHEN e.is_grantable THEN '*' ELSE '' END
FROM pg_default_acl AS d
LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace
CROSS JOIN aclexplode(d.defaclacl) AS e
WHERE e.grantee = (SELECT r.oid FROM pg_roles AS r WHERE r.rolname = $1)
ORDER BY 1
"""
AS_DECLARED = ["app_owner f EXECUTE", "app_owner in schema1 r SELECT"]


async def defaults_of(connection: asyncpg.Connection, role: str) -> list[str]:
    """What it is given on new objects: whose, where, of which kind, which privilege."""
    return [row[0] for row in await connection.fetch(DEFAULTS, role)]


async def may_select(connection: asyncpg.Connection, role: str, table: str) -> bool:
    return bool(
        await connection.fetchval("SELECT has_table_privilege($1, $2, 'SELECT')", role, table)
    )


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.rule("8")
async def test_what_is_declared_is_given_and_new_objects_have_it(database: Database) -> None:
    """A table that was made before has nothing of it, and what is taken of a new one stays so."""
    look = await database.connect()
    await look.execute("SET ROLE app_owner; CREATE TABLE schema1.older (); RESET ROLE")
    report = await applied(database, READER)
    assert all_ready(report), report.outcomes
    assert await defaults_of(look, "reader") == AS_DECLARED
    await look.execute(
        "SET ROLE app_owner; CREATE TABLE schema1.newer (); CREATE TABLE schema2.other ();"
        " CREATE TABLE schema1.closed (); REVOKE SELECT ON schema1.closed FROM reader;"
        " CREATE TABLE schema1.wide (); GRANT SELECT, INSERT ON schema1.wide TO reader;"
        " RESET ROLE; CREATE TABLE schema1.of_another ()"
    )
    assert await may_select(look, "reader", "schema1.newer")
    assert not await is_settled(database, READER)
    assert all_ready(await applied(database, READER, 2))
    assert await is_settled(database, READER, 2)
    tables = ("older", "newer", "closed", "wide", "of_another")
    assert [await may_select(look, "reader", f"schema1.{one}") for one in tables] == [
        False, True, False, True, False,
    ]  # fmt: skip
    assert not await look.fetchval("SELECT has_table_privilege('reader', 'schema1.wide', 'INSERT')")
    assert not await may_select(look, "reader", "schema2.other")


def example() -> str:
    """The resources that docs/operations.md shows, as these tests write them."""
    page = (Path(__file__).parents[2] / "docs/operations.md").read_text("utf-8")
    section = page.partition("\n## Default privileges\n")[2]
    block = section.partition("```yaml\n")[2].partition("```")[0]
    return yaml.safe_dump(
        {
            f"{one['kind']}/{one['metadata']['name']}": one["spec"]
            for one in yaml.safe_load_all(block)
        }
    )


@pytest.mark.rule("8")
async def test_the_example_of_the_page_does_what_the_page_says(database: Database) -> None:
    """In the creating transaction, before any pass."""
    look = await database.connect()
    assert all_ready(await applied(database, example()))
    async with look.transaction():
        await look.execute("SET LOCAL ROLE app_owner; CREATE TABLE schema1.newest (i serial)")
        assert await may_select(look, "reader", "schema1.newest")
    assert await is_settled(database, example())


EVERYWHERE = (
    "FOR ROLE app_owner IN SCHEMA schema1",
    "FOR ROLE app_owner IN SCHEMA schema2",
    "FOR ROLE app_owner",
    "FOR ROLE maker",
)
MORE = (
    "GRANT INSERT, SELECT ON TABLES TO reader WITH GRANT OPTION",
    "GRANT USAGE ON SEQUENCES TO reader",
    "GRANT ALL ON TYPES TO reader",
)
BREAKS: tuple[list[str], ...] = (
    [f"{whose} {what}" for whose in EVERYWHERE for what in MORE],
    [f"{EVERYWHERE[0]} GRANT SELECT ON TABLES TO reader WITH GRANT OPTION"],
    [f"{EVERYWHERE[0]} REVOKE SELECT ON TABLES FROM reader"],
    [],
)
ALL_DEFAULTS = """
SELECT pg_get_userbyid(d.defaclrole) || d.defaclnamespace || d.defaclobjtype::text || ' '
    || ARRAY(SELECT i::text FROM unnest(d.defaclacl) AS i ORDER BY 1)::text
FROM pg_default_acl AS d ORDER BY 1
"""


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.rule("8", "9")
async def test_each_break_is_put_back_and_leaves_nothing_to_plan(database: Database) -> None:
    """In its schema, in another one, everywhere, and by another creator; and others keep theirs."""
    look = await database.connect()
    await look.execute(
        "CREATE ROLE maker; CREATE ROLE stranger;"
        " ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA schema1"
        " GRANT SELECT ON TABLES TO stranger;"
        " ALTER DEFAULT PRIVILEGES FOR ROLE app_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"
    )
    assert all_ready(await applied(database, READER))
    before = await look.fetch(ALL_DEFAULTS)
    for revision, statements in enumerate(BREAKS, start=2):
        for one in statements:
            await look.execute(f"ALTER DEFAULT PRIVILEGES {one}")
        if not statements:
            await look.execute("DROP OWNED BY reader")
        assert all_ready(await applied(database, READER, revision))
        assert await is_settled(database, READER, revision), statements
        assert await look.fetch(ALL_DEFAULTS) == before, statements


@pytest.mark.rule("8", "20")
async def test_what_is_not_declared_any_more_is_taken_with_what_came_of_it(
    database: Database,
) -> None:
    """It is a loss for the brake as any other, and a withheld one stays whole."""
    look = await database.connect()
    tight = {"brake": {"minimum": 2, "percent": 1}}
    assert all_ready(await applied(database, READER, regent=tight))
    await look.execute("SET ROLE app_owner; CREATE TABLE schema1.newer (); RESET ROLE")
    report = await applied(database, BARE, 2, regent=tight)
    assert report.brake is not None
    assert {(one.kind, one.privilege) for one in report.brake.losses} >= {
        ("DEFAULT TABLE", "SELECT"), ("DEFAULT ROUTINE", "EXECUTE"), ("TABLE", "SELECT"),
    }  # fmt: skip
    assert await defaults_of(look, "reader") == AS_DECLARED
    assert await may_select(look, "reader", "schema1.newer")
    report = await applied(database, BARE, 3, regent=tight, release=report.brake.digest)
    assert all_ready(report), report.outcomes
    assert await defaults_of(look, "reader") == []
    assert not await may_select(look, "reader", "schema1.newer")
    assert await is_settled(database, BARE, 3)


@pytest.mark.rule("8", "10", "20")
async def test_an_adopted_role_loses_what_is_not_declared(database: Database) -> None:
    """It is seen, so it keeps nobody from adopting; and the brake counts it."""
    await database.execute(
        "CREATE ROLE reader; ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA schema2"
        " GRANT ALL ON TABLES TO reader; ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA"
        " schema1 GRANT SELECT ON TABLES TO reader"
    )
    look = await database.connect()
    adopting = READER.replace("database: mydb\n  perm", "database: mydb\n  adopt: true\n  perm")
    tight = {"brake": {"minimum": 2, "percent": 1}}
    report = await applied(database, adopting, regent=tight)
    assert report.brake is not None
    assert all(one.kind == "DEFAULT TABLE" for one in report.brake.losses)
    report = await applied(database, adopting, 2, regent=tight, release=report.brake.digest)
    assert all_ready(report), report.outcomes
    assert await defaults_of(look, "reader") == AS_DECLARED
    assert await is_settled(database, adopting, 2)


@pytest.mark.rule("27")
async def test_a_leaver_takes_its_default_privileges_along(database: Database) -> None:
    """Those that it has go, and by them it is kept by nothing; so do those that it gave."""
    other = "Role/other: {database: mydb}\n"
    lender = """
Role/lender: {database: mydb}
Role/borrower:
  {database: mydb, defaultPrivileges: [{creator: lender, objects: tables, actions: [SELECT]}]}
"""
    look = await database.connect()
    assert all_ready(await applied(database, READER + other + lender))
    assert await defaults_of(look, "borrower") == ["lender r SELECT"]
    kept = other + lender.replace("Role/lender: {database: mydb}\n", "")
    report = await applied(database, kept, 2, regent={"brake": "Disabled"})
    assert await look.fetchval(
        "SELECT count(*) FROM pg_roles WHERE rolname IN ('reader', 'lender')"
    ) == 0, report  # fmt: skip
    said = outcome(report, "Role/borrower")
    assert (said.state, said.reason) == ("Reconciling", "RoleNotFound"), said


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.rule("8", "14")
async def test_each_kind_of_object_is_given_whole_and_taken_again(database: Database) -> None:
    """ALL of each kind that this version has, everywhere: and nothing but our own is left after."""
    look = await database.connect()
    kinds = ["tables", "sequences", "routines", "types", "schemas"]
    kinds += ["largeObjects"] if database.server.version >= 18 else []
    entries = ", ".join(f"{{creator: app_owner, objects: {one}, actions: [ALL]}}" for one in kinds)
    text = f"Role/reader: {{database: mydb, defaultPrivileges: [{entries}]}}"
    report = await applied(database, text)
    assert all_ready(report), report.outcomes
    assert await is_settled(database, text)
    given = await defaults_of(look, "reader")
    assert {one.split()[1] for one in given} == {*"rSfTn"} | ({"L"} if len(kinds) > 5 else set())
    assert all_ready(await applied(database, BARE, 2, regent={"brake": "Disabled"}))
    assert await look.fetchval("SELECT count(*) FROM pg_default_acl") == 0


@pytest.mark.rule("8")
async def test_a_creator_and_a_schema_may_come_with_the_same_push(database: Database) -> None:
    """What is not there when it is looked is given as soon as it is."""
    text = """
Role/maker: {database: mydb, owns: {schemas: [{name: made, create: true}]}}
Role/reader:
  {database: mydb, defaultPrivileges: [
    {creator: maker, schemas: [made], objects: tables, actions: [SELECT]},
    {creator: maker, objects: types, actions: [USAGE]}]}
"""
    report = await applied(database, text)
    assert all_ready(report), report.outcomes
    look = await database.connect()
    assert await defaults_of(look, "reader") == ["maker T USAGE", "maker in made r SELECT"]
    assert await is_settled(database, text)


@pytest.mark.rule("12", "21")
async def test_a_creator_that_is_not_there_is_waited_for_and_costs_nothing(
    database: Database,
) -> None:
    """Renamed behind us, what its tables gave stays; it is back under its name, and all is well."""
    look = await database.connect()
    assert all_ready(await applied(database, READER))
    await look.execute("SET ROLE app_owner; CREATE TABLE schema1.newer (); RESET ROLE")
    await look.execute("ALTER ROLE app_owner RENAME TO app_owner_2")
    report = await applied(database, READER, 2)
    said = outcome(report, "Role/reader")
    assert (said.state, said.reason) == ("Reconciling", "RoleNotFound"), said
    assert "defaultPrivileges[0].creator" in said.message
    assert not report.plan.changes
    assert await may_select(look, "reader", "schema1.newer")
    assert len(await defaults_of(look, "reader")) == 2
    await look.execute("ALTER ROLE app_owner_2 RENAME TO app_owner")
    assert all_ready(await applied(database, READER, 3))
    assert await is_settled(database, READER, 3)


@pytest.mark.rule("21")
async def test_an_admin_without_the_creators_rights_says_what_would_help(
    database: Database,
) -> None:
    """It settles, and what is granted as it says is used at once."""
    await database.execute("CREATE ROLE maker", "postgres")
    await applied(database, "Role/reader: {database: mydb}")
    await demote(database)
    text = """
Role/reader:
  {database: mydb, defaultPrivileges: [{creator: maker, objects: tables, actions: [SELECT]}]}
"""
    await applied(database, text, 2)
    report = await applied(database, text, 3)
    said = outcome(report, "Role/reader")
    assert (said.state, said.reason) == ("Stalled", "NotManageable"), said
    assert "as that role or a superuser" in said.message
    statement = said.message.partition("Run ")[2].partition(";")[0]
    assert statement.startswith('GRANT "maker" TO "my-admin"')
    await database.execute(statement, "postgres")
    report = await applied(database, text, 4)
    assert all_ready(report), report.outcomes
    assert await is_settled(database, text, 4)
    assert all_ready(await applied(database, "Role/reader: {database: mydb}", 5))
    assert await defaults_of(await database.connect(), "reader") == []
