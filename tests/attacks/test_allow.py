"""Ways around a Regent's `allow`, and what they are beside."""

from __future__ import annotations

import pytest

from shared.privileges import PARAMETER_SINCE
from tests.integration.facts.once import all_ready, applied, is_settled, outcome
from tests.postgres.database import Database

pytestmark = pytest.mark.every_version


@pytest.mark.found("C29")
async def test_settings_of_libraries_that_are_not_loaded_are_no_settings_of_an_application(
    database: Database,
) -> None:
    """They would be in force as a superuser's once the library is loaded."""
    wanted = (
        "Role/r: {database: mydb, parameters: {plpgsql.variable_conflict: use_column,"
        " pgaudit.log: none, Auto_Explain.log_min_duration: '0', cron.database_name: x,"
        " pg_stat_statements.track: none, myapp.tenant: acme}}"
    )
    report = await applied(database, wanted)
    look = await database.connect()
    question = "SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'r'::regrole"
    assert await look.fetchval(question) == ["myapp.tenant=acme"]
    said = outcome(report, "Role/r")
    assert said.reason == "NotAllowed"
    assert "spec.allow.parameters" in said.message
    assert any("myapp.tenant" in note for note in said.notes)
    report = await applied(
        database, wanted, revision=2, regent={"allow": {"parameters": ["p*", "auto_*", "cron.*"]}}
    )
    assert all_ready(report)
    assert len(await look.fetchval(question)) == 6


@pytest.mark.found("C29")
async def test_settings_in_a_database_need_that_database_to_be_allowed_and_served(
    database: Database,
) -> None:
    """`databaseParameters` names databases as a Permission does."""
    await database.execute("CREATE DATABASE other", "postgres")
    wanted = (
        "Role/r: {database: mydb, databaseParameters:"
        " {mydb: {work_mem: 64MB}, other: {work_mem: 64MB}}}"
    )
    report = await applied(database, wanted)
    look = await database.connect()
    question = (
        "SELECT array_agg(datname::text) FROM pg_db_role_setting"
        " JOIN pg_database d ON d.oid = setdatabase WHERE setrole = 'r'::regrole"
    )
    assert await look.fetchval(question) == ["mydb"]
    assert any("does not serve 'other'" in note for note in outcome(report, "Role/r").notes)
    nowhere = {"allow": {"databases": ["elsewhere"]}}
    report = await applied(database, wanted, revision=2, regent=nowhere)
    assert outcome(report, "Role/r").reason == "NotAllowed"
    assert await look.fetchval(question) is None


@pytest.mark.found("C29")
async def test_a_default_on_another_schemas_sequence_gives_nothing_outside_of_allowed_schemas(
    database: Database,
) -> None:
    """The owner of a table chooses its default; the twin is its own sequence beside it."""
    await database.execute(
        "CREATE SCHEMA vault; CREATE SEQUENCE vault.secret; CREATE TABLE schema1.bait"
        " (id serial, i int DEFAULT nextval('vault.secret'))"
    )
    wanted = (
        "Permission/p: {database: mydb, schemas: [schema1], tables: [bait], actions: [INSERT]}\n"
        "Role/r: {database: mydb, permissions: [p]}"
    )
    question = (
        "SELECT has_sequence_privilege('r', 'vault.secret', 'USAGE'),"
        " has_sequence_privilege('r', 'schema1.bait_id_seq', 'USAGE')"
    )
    look = await database.connect()
    assert all_ready(await applied(database, wanted))
    assert tuple(await look.fetchrow(question) or ()) == (True, True)
    bounded = {"allow": {"schemas": ["schema1"]}}
    assert all_ready(await applied(database, wanted, revision=2, regent=bounded))
    assert tuple(await look.fetchrow(question) or ()) == (False, True)
    assert await is_settled(database, wanted, revision=2, regent=bounded)


@pytest.mark.found("C29")
async def test_a_grant_is_not_laundered_by_making_its_table_a_member_of_an_extension(
    database: Database,
) -> None:
    """pg_init_privs records it then; with extensions: true what is declared there holds."""
    wanted = (
        "Permission/p: {database: mydb, schemas: [ext], tables: ['*'], actions: [SELECT],"
        " extensions: true}\nRole/r: {database: mydb, permissions: [p]}\nRole/o: {database: mydb}"
    )
    await applied(database, wanted)
    await database.execute(
        "CREATE SCHEMA ext; CREATE EXTENSION pg_stat_statements SCHEMA ext;"
        "CREATE TABLE ext.gift (i int, j int); GRANT ALL ON ext.gift TO r, o;"
        "GRANT SELECT (i) ON ext.gift TO o; GRANT USAGE ON SCHEMA ext TO o;"
        "ALTER EXTENSION pg_stat_statements ADD TABLE ext.gift"
    )
    await applied(database, wanted, revision=2)
    look = await database.connect()
    assert await look.fetchval("SELECT has_table_privilege('r', 'ext.gift', 'SELECT')")
    assert not await look.fetchval("SELECT has_table_privilege('r', 'ext.gift', 'INSERT')")
    assert not await look.fetchval("SELECT has_any_column_privilege('o', 'ext.gift', 'SELECT')")
    assert await is_settled(database, wanted, revision=2)


POWERS = """
CREATE ROLE ops_params; CREATE ROLE ops_files; CREATE ROLE ops_plain;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO ops_files;
CREATE ROLE leaver; CREATE TABLE schema1.left_over (); ALTER TABLE schema1.left_over OWNER TO leaver
"""
ON_PARAMETERS = """
GRANT ALTER SYSTEM, SET ON PARAMETER archive_command TO ops_params;
GRANT SET ON PARAMETER work_mem TO ops_plain
"""
OWNER_LEFT = "SELECT relowner::regrole::text FROM pg_class WHERE relname = 'left_over'"
MEMBER_OF = """
SELECT array_agg(roleid::regrole::text ORDER BY roleid::regrole::text) FROM pg_auth_members
WHERE member = 'u'::regrole
"""


@pytest.mark.found("E171")
@pytest.mark.rule("12")
async def test_no_pattern_lets_anybody_reach_privileges_that_are_powers(database: Database) -> None:
    """Seen on 18: who joined by a pattern set archive_command, a command of the server's account.

    The twin: a role that may set what everybody may is as any other, and an exact name is meant.
    """
    await database.execute(POWERS, "my-admin")
    look = await database.connect()
    strong = ["ops_files"]
    if look.get_server_version().major >= PARAMETER_SINCE:
        await database.execute(ON_PARAMETERS, "my-admin")
        strong.append("ops_params")
    groups = ", ".join(f"{{role: {name}}}" for name in ("ops_plain", *strong))
    text = f"User/u: {{database: mydb, memberOf: [{groups}]}}\n"
    leaver = f"User/leaver: {{database: mydb, adopt: true, reassignOwnedTo: {strong[-1]}}}\n"
    by_pattern = {
        "brake": "Disabled",
        "allow": {"memberOf": ["ops_*"], "reassignOwnedTo": ["ops_*"], "adopt": ["leaver"]},
    }
    report = await applied(database, text + leaver, regent=by_pattern)
    said = outcome(report, "User/u")
    assert said.reason == "NotAllowed"
    assert "no pattern of spec.allow.memberOf matches it" in said.message
    assert await look.fetchval(MEMBER_OF) == ["ops_plain"]
    await applied(database, text, 2, regent=by_pattern)
    assert await look.fetchval(OWNER_LEFT) == "leaver"
    by_name = {"brake": "Disabled", "allow": {"memberOf": ["ops_*", *strong]}}
    assert outcome(await applied(database, text, 3, regent=by_name), "User/u").is_ready
    assert await look.fetchval(MEMBER_OF) == sorted(["ops_plain", *strong])


OUTSIDE = """
SELECT lo_from_bytea(4711, 'secret of app_owner'); ALTER LARGE OBJECT 4711 OWNER TO app_owner;
CREATE FOREIGN DATA WRAPPER wrapper; CREATE SERVER far FOREIGN DATA WRAPPER wrapper
"""
OUTSIDE_WANTED = (
    "Permission/lo: {database: mydb, largeObjects: [4711], actions: [SELECT]}\n"
    "Permission/fs: {database: mydb, foreignServers: ['*'], actions: [USAGE]}\n"
    "Permission/fw: {database: mydb, foreignDataWrappers: ['*'], actions: [USAGE]}\n"
    "Permission/la: {database: mydb, languages: [plpgsql], actions: [USAGE]}\n"
    "Permission/ts: {database: mydb, tablespaces: [pg_default], actions: [CREATE]}\n"
    "Permission/db: {database: mydb, actions: [CREATE]}\n"
    "Permission/co: {database: mydb, actions: [CONNECT]}\n"
    "Role/r: {database: mydb, permissions: [lo, fs, fw, la, ts, db, co]}"
)
FIELDS = {
    "lo": "largeObjects", "fs": "foreignServers", "fw": "foreignDataWrappers", "la": "languages",
    "ts": "tablespaces", "db": "database",
}  # fmt: skip
HAS_OUTSIDE = """
SELECT ARRAY[
    has_server_privilege('r', 'far', 'USAGE'),
    has_foreign_data_wrapper_privilege('r', 'wrapper', 'USAGE'),
    has_tablespace_privilege('r', 'pg_default', 'CREATE'),
    has_database_privilege('r', 'mydb', 'CREATE'),
    (SELECT lomacl::text LIKE '%{r=r/%' OR lomacl::text LIKE '%,r=r/%'
     FROM pg_largeobject_metadata WHERE oid = 4711)
]
"""


@pytest.mark.found("E172")
@pytest.mark.rule("12")
async def test_who_is_bound_to_schemas_gets_nothing_that_stands_in_none(database: Database) -> None:
    """Seen on 18: an author read another owner's large object, and made schemas of his own.

    The twin: CONNECT holds, and what `outsideSchemas` lists is given.
    """
    await database.execute(OUTSIDE, "my-admin")
    look = await database.connect()
    bounds = {"databases": ["mydb"], "schemas": ["schema1"]}
    report = await applied(database, OUTSIDE_WANTED, regent={"allow": bounds})
    for name, field in FIELDS.items():
        said = outcome(report, f"Permission/{name}")
        assert said.reason == "NotAllowed", said
        assert f"{field} is not in spec.allow.outsideSchemas of the Regent" in said.message
    assert outcome(report, "Permission/co").is_ready
    assert not any(value for value in await look.fetchval(HAS_OUTSIDE))
    opened = {**bounds, "outsideSchemas": [*FIELDS.values()]}
    for revision, allow in enumerate((opened, {"schemas": ["*"]}), start=2):
        report = await applied(database, OUTSIDE_WANTED, revision, regent={"allow": allow})
        assert all_ready(report), report.outcomes
        assert all(await look.fetchval(HAS_OUTSIDE))
