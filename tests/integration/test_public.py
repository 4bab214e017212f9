"""What PUBLIC holds, declared (rule 11): right by right, kept so, and never at others' cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from regent.one_shot import plan_once
from tests.daemons import running
from tests.declared import state
from tests.eventually import eventually
from tests.integration.facts.once import all_ready, applied, demote, is_settled, outcome
from tests.postgres.database import Database
from tests.settings import settings_for

ALL_RIGHTS = ("connect", "temporary", "schemaCreate", "execute", "usage", "other")
FREE: dict[str, Any] = {"mode": "Disabled"}
EVERYBODY = "Role/everybody: {database: mydb, permissions: [%s], public: true}\n"


def declared(*rights: str, **more: Any) -> dict[str, Any]:
    """A Regent that says so of these rights, without a brake."""
    return {"publicPrivileges": dict.fromkeys(rights, "Declared"), "brake": FREE, **more}


@dataclass(frozen=True, slots=True)
class Case:
    """One right: what is declared of it stays with PUBLIC, and all else goes."""

    permission: str
    setup: str
    held: str
    """True while PUBLIC has what is declared, whatever else it has."""
    spurious: str
    """True while PUBLIC has something that nobody declares."""
    takes: str
    gives: str


DATABASE = (
    "SELECT EXISTS (SELECT FROM pg_database AS o,"
    " aclexplode(coalesce(o.datacl, acldefault('d', o.datdba))) AS x"
    " WHERE x.grantee = 0 AND x.privilege_type = '{}' AND o.datname = 'mydb')"
)
SCHEMA = (
    "SELECT EXISTS (SELECT FROM pg_namespace AS o, aclexplode(o.nspacl) AS x"
    " WHERE x.grantee = 0 AND x.privilege_type = '{}' AND o.nspname = '{}')"
)
ROUTINE = (
    "SELECT EXISTS (SELECT FROM pg_proc AS o,"
    " aclexplode(coalesce(o.proacl, acldefault('f', o.proowner))) AS x"
    " WHERE x.grantee = 0 AND o.pronamespace = 'schema1'::regnamespace AND o.proname = '{}')"
)
TYPE = (
    "SELECT EXISTS (SELECT FROM pg_type AS o,"
    " aclexplode(coalesce(o.typacl, acldefault('T', o.typowner))) AS x"
    " WHERE x.grantee = 0 AND o.oid = 'schema1.{}'::regtype)"
)
LANGUAGE = (
    "SELECT EXISTS (SELECT FROM pg_language AS o,"
    " aclexplode(coalesce(o.lanacl, acldefault('l', o.lanowner))) AS x"
    " WHERE x.grantee = 0 AND o.lanname = 'sql')"
)
COLUMN = (
    "SELECT EXISTS (SELECT FROM pg_attribute AS a, aclexplode(a.attacl) AS x"
    " WHERE x.grantee = 0 AND a.attrelid = 'schema1.{}'::regclass)"
)
LARGE_OBJECT = (
    "SELECT EXISTS (SELECT FROM pg_largeobject_metadata AS o, aclexplode(o.lomacl) AS x"
    " WHERE x.grantee = 0)"
)
CASES = {
    "connect": Case(
        permission="actions: [TEMPORARY]",
        setup="SELECT 1",
        held="SELECT true",
        spurious=DATABASE.format("CONNECT"),
        takes="SELECT 1",
        gives="GRANT CONNECT ON DATABASE mydb TO PUBLIC",
    ),
    "temporary": Case(
        permission="actions: [TEMPORARY]",
        setup="REVOKE TEMPORARY ON DATABASE mydb FROM PUBLIC",
        held=DATABASE.format("TEMPORARY"),
        spurious="SELECT false",
        takes="REVOKE TEMPORARY ON DATABASE mydb FROM PUBLIC",
        gives="SELECT 1",
    ),
    "schemaCreate": Case(
        permission="schemas: [schema1], actions: [CREATE]",
        setup="GRANT CREATE ON SCHEMA public, schema2 TO PUBLIC",
        held=SCHEMA.format("CREATE", "schema1"),
        spurious=SCHEMA.format("CREATE", "public"),
        takes="REVOKE CREATE ON SCHEMA schema1 FROM PUBLIC",
        gives="GRANT CREATE ON SCHEMA public TO PUBLIC",
    ),
    "execute": Case(
        permission="schemas: [schema1], routines: [meant], actions: [EXECUTE]",
        setup="CREATE FUNCTION schema1.meant() RETURNS integer LANGUAGE sql AS 'SELECT 1';"
        " CREATE FUNCTION schema1.other() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        held=ROUTINE.format("meant"),
        spurious=ROUTINE.format("other"),
        takes="REVOKE EXECUTE ON FUNCTION schema1.meant() FROM PUBLIC",
        gives="GRANT EXECUTE ON FUNCTION schema1.other() TO PUBLIC",
    ),
    "usage": Case(
        permission="schemas: [schema1], types: [meant], actions: [USAGE]",
        setup="CREATE DOMAIN schema1.meant AS int; CREATE TYPE schema1.other AS ENUM ('a')",
        held=TYPE.format("meant"),
        spurious=f"SELECT ({TYPE.format('other')}) OR ({LANGUAGE})",
        takes="REVOKE USAGE ON DOMAIN schema1.meant FROM PUBLIC",
        gives="GRANT USAGE ON TYPE schema1.other TO PUBLIC; GRANT USAGE ON LANGUAGE sql TO PUBLIC",
    ),
    "other": Case(
        permission="schemas: [schema1], tables: [flights], actions: [SELECT]",
        setup="GRANT USAGE ON SCHEMA schema2 TO PUBLIC;"
        " CREATE TABLE schema1.more (a int); GRANT SELECT (a) ON schema1.more TO PUBLIC;"
        " SELECT lo_create(77001); GRANT SELECT ON LARGE OBJECT 77001 TO PUBLIC",
        held="SELECT has_table_privilege('postgregent_owner', 'schema1.flights', 'SELECT')"
        f" AND ({SCHEMA.format('USAGE', 'schema1')})",
        spurious=f"SELECT ({SCHEMA.format('USAGE', 'schema2')}) OR ({COLUMN.format('more')})"
        f" OR ({LARGE_OBJECT}) OR ({COLUMN.format('flights')})",
        takes="REVOKE SELECT ON schema1.flights FROM PUBLIC",
        gives="GRANT SELECT (a) ON schema1.more TO PUBLIC;"
        " GRANT USAGE ON SCHEMA schema2 TO PUBLIC;"
        " GRANT SELECT ON LARGE OBJECT 77001 TO PUBLIC",
    ),
}


@pytest.mark.rule("11")
@pytest.mark.parametrize("right", ALL_RIGHTS)
async def test_a_declared_right_is_given_taken_and_kept(database: Database, right: str) -> None:
    """Nothing else that PUBLIC has is touched, and each break leaves nothing to plan."""
    case = CASES[right]
    text = f"Permission/p: {{database: mydb, {case.permission}}}\n" + EVERYBODY % "p"
    if right == "connect":
        text = "Role/everybody: {database: mydb, public: true}\n"
    regent = declared(right)
    look = await database.connect()
    await look.execute(case.setup)
    report = await applied(database, text, regent=regent)
    assert all_ready(report), report.outcomes
    for broken in ("SELECT 1", case.takes, case.gives):
        await look.execute(broken)
        assert all_ready(await applied(database, text, regent=regent))
        assert await look.fetchval(case.held), broken
        assert not await look.fetchval(case.spurious), broken
        assert await is_settled(database, text, regent=regent), broken
    if right != "temporary":
        assert await look.fetchval(DATABASE.format("TEMPORARY"))
    assert right == "connect" or await look.fetchval(DATABASE.format("CONNECT"))
    assert right == "usage" or await look.fetchval(LANGUAGE)


@pytest.mark.rule("11")
async def test_what_is_taken_out_of_it_stays_with_public_as_it_is(database: Database) -> None:
    """And a right that is not declared is left alone, which the Role is told."""
    look = await database.connect()
    await look.execute(CASES["execute"].setup)
    text = f"Permission/p: {{database: mydb, {CASES['execute'].permission}}}\n" + EVERYBODY % "p"
    await applied(database, text, regent=declared("execute"))
    for rights in ((), ("usage",)):
        said = outcome(await applied(database, text, 2, regent=declared(*rights)), "Role/everybody")
        assert said.reason == "NotAllowed"
        assert "spec.publicPrivileges.execute" in said.message
        assert await look.fetchval(ROUTINE.format("meant"))
        assert not await look.fetchval(ROUTINE.format("other"))


@pytest.mark.rule("11", "20")
async def test_the_first_time_waits_for_a_person_where_much_would_go(database: Database) -> None:
    """On a database that is there already; the digest of the plan puts it in force."""
    text = "Role/everybody: {database: mydb, public: true}\n"
    look = await database.connect()
    await look.execute(CASES["execute"].setup + ";" + CASES["usage"].setup.replace("meant", "m2"))
    await look.execute("GRANT CREATE ON SCHEMA schema2 TO PUBLIC")
    assert all_ready(await applied(database, text))
    regent = declared(*ALL_RIGHTS) | {"brake": None}
    del regent["brake"]
    report = await applied(database, text, 2, regent=regent)
    assert report.brake is not None
    assert await look.fetchval(ROUTINE.format("other"))
    assert {loss.role for loss in report.brake.losses} == {"public"}
    assert outcome(report, "Role/everybody").reason == "BrakePulled"
    done = await applied(database, text, 2, regent=regent, release=report.brake.digest)
    assert done.brake is None
    assert all_ready(done), done.outcomes
    assert not await look.fetchval(ROUTINE.format("other"))
    assert await is_settled(database, text, 2, regent=regent)


@pytest.mark.rule("11", "20")
async def test_a_deleted_public_role_is_no_small_loss(database: Database) -> None:
    """Of a leaver's role the first two an hour go at once; this one is everybody's."""
    names = ("a", "b", "c", "d", "e")
    look = await database.connect()
    made = "; ".join(f"CREATE SCHEMA {n}; CREATE TABLE {n}.t (i int)" for n in names)
    await look.execute(f"SET ROLE app_owner; {made}; RESET ROLE")
    actions = "[SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES]"
    one = f"{{database: mydb, schemas: [a], tables: [t], actions: {actions}}}"
    text = f"Permission/p: {one}\n" + EVERYBODY % "p"
    regent = {"publicPrivileges": {"other": "Declared"}}
    await look.execute("REVOKE USAGE ON SCHEMA public FROM PUBLIC")
    assert all_ready(await applied(database, text, regent=regent))
    report = await applied(
        database, f"Permission/p: {one}\n", 2, regent=regent, deleted=("Role/default/everybody",)
    )
    assert report.brake is not None
    assert await look.fetchval("SELECT has_table_privilege('postgregent_owner', 'a.t', 'DELETE')")


@pytest.mark.rule("11")
async def test_connect_stays_while_somebody_who_is_not_declared_needs_it(
    database: Database,
) -> None:
    """A declared User has its own before; TEMPORARY goes all the same."""
    await database.execute("CREATE ROLE stranger LOGIN PASSWORD 'pw'", "postgres")
    text = (
        "Permission/in: {database: mydb, actions: [CONNECT]}\n"
        "User/ann: {database: mydb, permissions: [in]}\n"
        "Role/everybody: {database: mydb, public: true}\n"
    )
    regent = declared("connect", "temporary")
    look = await database.connect()
    stranger = await database.connect(user="stranger", password="pw")
    report = await applied(database, text, regent=regent)
    said = outcome(report, "Role/everybody")
    assert said.reason == "NotTakenAway", said
    assert "'stranger' has no CONNECT of its own" in said.message
    assert any("'stranger'" in note for note in report.notes)
    assert not any("restricts nobody" in one for one in outcome(report, "Permission/in").notes)
    assert await look.fetchval(DATABASE.format("CONNECT"))
    assert not await look.fetchval(DATABASE.format("TEMPORARY"))
    assert await is_settled(database, text, regent=regent)
    await stranger.close()
    plan_words = await applied(database, text, regent=regent)
    assert all_ready(plan_words), plan_words.outcomes
    assert not await look.fetchval(DATABASE.format("CONNECT"))
    assert await look.fetchval("SELECT has_database_privilege('ann', 'mydb', 'CONNECT')")
    assert not any("restricts nobody" in n for n in outcome(plan_words, "Permission/in").notes)


CREATORS = """
Permission/p: {database: mydb, schemas: [schema1], actions: [USAGE]}
Role/reader:
  database: mydb
  permissions: [p]
  defaultPrivileges:
    - {creator: app_owner, schemas: [schema1], objects: routines, actions: [EXECUTE]}
"""
OPEN_AGAIN = """
Role/everybody:
  database: mydb
  public: true
  defaultPrivileges: [{creator: app_owner, schemas: [schema1], objects: types, actions: [USAGE]}]
"""
NEW = (
    "SET ROLE app_owner; CREATE FUNCTION schema1.new() RETURNS int LANGUAGE plpgsql AS"
    " 'BEGIN RETURN 1; END'; CREATE TYPE schema1.new_type AS ENUM ('a');"
    " CREATE TYPE schema2.new_type AS ENUM ('a'); RESET ROLE"
)


@pytest.mark.rule("8", "11")
async def test_a_named_creator_makes_nothing_for_public_that_is_not_declared(
    database: Database,
) -> None:
    """Closed for everywhere, as no entry of a schema takes from that; opened where it is said."""
    text, regent = CREATORS + OPEN_AGAIN, declared("execute", "usage")
    look = await database.connect()
    report = await applied(database, text, regent=regent)
    assert all_ready(report), report.outcomes
    assert not [note for one in report.outcomes for note in one.notes if "PUBLIC" in note]
    await look.execute(NEW)
    assert not await look.fetchval(ROUTINE.format("new"))
    assert await look.fetchval(TYPE.format("new_type"))
    assert not await look.fetchval(TYPE.format("new_type").replace("schema1", "schema2"))
    assert await is_settled(database, text, regent=regent)
    await look.execute(
        "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC"
    )
    await applied(database, text, regent=regent)
    assert await is_settled(database, text, regent=regent)


@pytest.mark.rule("11")
async def test_a_new_function_is_public_for_a_moment_only(
    database: Database, tmp_path: Path
) -> None:
    """By the detector; and so is what somebody grants to PUBLIC."""
    text = "Role/everybody: {database: mydb, public: true}\n"
    look = await database.connect()
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(text, regent=declared("execute")))
        await look.execute(
            "CREATE FUNCTION schema1.newest() RETURNS int LANGUAGE sql AS 'SELECT 1'"
        )

        async def is_closed() -> bool:
            return not await look.fetchval(ROUTINE.format("newest"))

        await eventually(is_closed)
        await look.execute("GRANT EXECUTE ON FUNCTION schema1.newest() TO PUBLIC")
        await eventually(is_closed)


@pytest.mark.rule("11")
@pytest.mark.versions(14)
@pytest.mark.fact("PG-ACL-10")
async def test_before_15_nobody_creates_in_schema_public_any_more(database: Database) -> None:
    text, regent = "Role/everybody: {database: mydb, public: true}\n", declared("schemaCreate")
    look = await database.connect()
    assert await look.fetchval(SCHEMA.format("CREATE", "public"))
    assert all_ready(await applied(database, text, regent=regent))
    assert not await look.fetchval(SCHEMA.format("CREATE", "public"))
    assert await look.fetchval(SCHEMA.format("USAGE", "public"))
    assert await is_settled(database, text, regent=regent)


@pytest.mark.rule("11", "12")
async def test_an_admin_that_is_no_superuser_takes_what_its_owners_gave(
    database: Database,
) -> None:
    """And shuts itself out of nothing: CONNECT stays until it has its own."""
    text, regent = (
        "Role/everybody: {database: mydb, public: true}\n",
        declared("connect", "execute"),
    )
    look = await database.connect()
    await look.execute(
        "CREATE FUNCTION schema1.other() RETURNS integer LANGUAGE sql AS 'SELECT 1';"
        " ALTER FUNCTION schema1.other() OWNER TO app_owner;"
        " REVOKE CONNECT ON DATABASE mydb FROM app_owner;"
        ' GRANT app_owner TO "my-admin"'
    )
    await demote(database)
    report = await applied(database, text, regent=regent)
    assert not await look.fetchval(ROUTINE.format("other")), report.outcomes
    said = outcome(report, "Role/everybody")
    assert (said.reason, "'my-admin' has no CONNECT" in said.message) == ("NotTakenAway", True)
    assert await look.fetchval(DATABASE.format("CONNECT"))
    await look.execute('SET ROLE app_owner; GRANT CONNECT ON DATABASE mydb TO "my-admin"')
    assert all_ready(await applied(database, text, regent=regent))
    assert not await look.fetchval(DATABASE.format("CONNECT"))
    assert await is_settled(database, text, regent=regent)


CALLERS = """
Permission/connect: {database: mydb, actions: [CONNECT]}
Role/callers: {database: mydb, permissions: [connect]}
Role/others: {database: mydb}
User/ann: {roles: [callers]}
User/zoe: {roles: [others]}
"""


@pytest.mark.found("E246")
@pytest.mark.versions(15, 18)
async def test_who_may_not_connect_any_more_is_named(database: Database) -> None:
    """A plan is read the first time: CONNECT is PUBLIC's, and so was nobody in it by name."""
    await database.execute(
        "CREATE ROLE jobs LOGIN; CREATE ROLE batch LOGIN; CREATE ROLE root LOGIN SUPERUSER;"
        " GRANT CONNECT ON DATABASE mydb TO batch"
    )
    desired = state(CALLERS, regent=declared("connect"))
    for report in (
        await plan_once(settings_for(database), desired),
        await applied(database, CALLERS, regent=declared("connect")),
    ):
        (note,) = (one for one in report.notes if "CONNECT" in one)
        assert "'zoe'; 'jobs', declared by nobody." in note
        assert not any(name in note for name in ("ann", "batch", "root", "my-admin"))
    report = await applied(database, CALLERS, revision=2, regent=declared("connect"))
    assert not any("CONNECT" in one for one in report.notes)
