"""Each kind of object that has a row: read, given, taken, and kept, on every PostgreSQL.

A new kind adds a Case here. Tables, columns, sequences, schemas and databases have more than one
shape of drift: tests/integration/test_breaks.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from regent.inspect import statements
from regent.kinds import KINDS, Row
from shared.privileges import ObjectKind, unknown_to
from tests.daemons import Regent, running
from tests.declared import state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.postgres.releases import VERSIONS
from tests.settings import settings_for

OF_THE_DATABASE_ITSELF = frozenset(
    {ObjectKind.DATABASE, ObjectKind.SCHEMA, ObjectKind.TABLE, ObjectKind.COLUMN}
    | {ObjectKind.SEQUENCE}
)
"""What tests/integration/test_breaks.py shows."""


@dataclass(frozen=True, slots=True)
class Case:
    """One kind, with two objects: what is declared is on the first, and on all of a pattern."""

    setup: str
    """Makes the objects, which PUBLIC must have nothing on."""
    permission: str
    holds: str
    """A query that is true when the reader has what is declared."""
    takes: str
    """Takes it away from the reader."""
    gives: str
    """Gives the reader what is not declared."""
    too_much: str
    """A query that is true then."""
    new: str
    """Makes another object that the pattern matches."""
    new_holds: str


def language(name: str) -> str:
    """A trusted one of app_owner, which PUBLIC has nothing on. Only a superuser makes one."""
    return (
        f"CREATE TRUSTED LANGUAGE {name} HANDLER plpgsql_call_handler;"
        f" ALTER LANGUAGE {name} OWNER TO app_owner; REVOKE USAGE ON LANGUAGE {name} FROM PUBLIC"
    )


READER_HOLDS = (
    "pg_largeobject_metadata AS o CROSS JOIN aclexplode(o.lomacl) AS x"
    " WHERE x.grantee = (SELECT r.oid FROM pg_roles AS r WHERE r.rolname = 'reader')"
)
"""PostgreSQL up to 17 has no function that says what somebody may do with a large object."""

NOTHING = "SELECT 1"

CASES = {
    ObjectKind.TYPE: Case(
        setup="CREATE TYPE schema1.mood AS ENUM ('calm'); CREATE DOMAIN schema1.miles AS int;"
        " CREATE TYPE schema1.pair AS (a int, b int); CREATE TYPE schema2.other AS ENUM ('x');"
        " REVOKE USAGE ON TYPE schema1.mood, schema1.miles, schema1.pair, schema2.other"
        " FROM PUBLIC",
        permission="schemas: [schema1], types: ['m*', pair], actions: [USAGE]",
        holds="SELECT bool_and(has_type_privilege('reader', t, 'USAGE'))"
        " FROM unnest(ARRAY['schema1.mood', 'schema1.miles', 'schema1.pair']) AS t",
        takes="REVOKE USAGE ON TYPE schema1.mood FROM reader;"
        " REVOKE USAGE ON DOMAIN schema1.miles FROM reader",
        gives="GRANT USAGE ON TYPE schema2.other TO reader;"
        " GRANT USAGE ON DOMAIN schema1.miles TO reader WITH GRANT OPTION",
        too_much="SELECT has_type_privilege('reader', 'schema2.other', 'USAGE')"
        " OR has_type_privilege('reader', 'schema1.miles', 'USAGE WITH GRANT OPTION')",
        new="CREATE TYPE schema1.mine AS ENUM ('a'); REVOKE USAGE ON TYPE schema1.mine FROM PUBLIC",
        new_holds="SELECT has_type_privilege('reader', 'schema1.mine', 'USAGE')",
    ),
    ObjectKind.LANGUAGE: Case(
        setup=f"RESET ROLE; {language('lang_a')}; {language('lang_b')}; {language('other')}",
        permission="languages: ['lang_*'], actions: [USAGE]",
        holds="SELECT bool_and(has_language_privilege('reader', l, 'USAGE'))"
        " FROM unnest(ARRAY['lang_a', 'lang_b']) AS l",
        takes="REVOKE USAGE ON LANGUAGE lang_a, lang_b FROM reader",
        gives="GRANT USAGE ON LANGUAGE other TO reader;"
        " GRANT USAGE ON LANGUAGE lang_b TO reader WITH GRANT OPTION;"
        " RESET ROLE; GRANT USAGE ON LANGUAGE plpgsql TO reader",
        too_much="SELECT has_language_privilege('reader', 'other', 'USAGE')"
        " OR has_language_privilege('reader', 'lang_b', 'USAGE WITH GRANT OPTION')"
        " OR EXISTS (SELECT FROM pg_language AS l"
        " WHERE l.lanname = 'plpgsql' AND l.lanacl::text LIKE '%reader=%')",
        new=f"RESET ROLE; {language('lang_c')}",
        new_holds="SELECT has_language_privilege('reader', 'lang_c', 'USAGE')",
    ),
    ObjectKind.FOREIGN_DATA_WRAPPER: Case(
        setup="RESET ROLE; CREATE FOREIGN DATA WRAPPER wrap_a; CREATE FOREIGN DATA WRAPPER"
        ' "wrap B"; CREATE FOREIGN DATA WRAPPER other',
        permission="foreignDataWrappers: ['wrap*'], actions: [ALL]",
        holds="SELECT bool_and(has_foreign_data_wrapper_privilege('reader', w, 'USAGE'))"
        " FROM unnest(ARRAY['wrap_a', 'wrap B']) AS w",
        takes='RESET ROLE; REVOKE USAGE ON FOREIGN DATA WRAPPER wrap_a, "wrap B" FROM reader',
        gives="GRANT USAGE ON FOREIGN DATA WRAPPER other TO reader;"
        " GRANT USAGE ON FOREIGN DATA WRAPPER wrap_a TO reader WITH GRANT OPTION",
        too_much="SELECT has_foreign_data_wrapper_privilege('reader', 'other', 'USAGE')"
        " OR has_foreign_data_wrapper_privilege('reader', 'wrap_a', 'USAGE WITH GRANT OPTION')",
        new="RESET ROLE; CREATE FOREIGN DATA WRAPPER wrap_c",
        new_holds="SELECT has_foreign_data_wrapper_privilege('reader', 'wrap_c', 'USAGE')",
    ),
    ObjectKind.FOREIGN_SERVER: Case(
        setup="RESET ROLE; CREATE FOREIGN DATA WRAPPER nothing;"
        " GRANT USAGE ON FOREIGN DATA WRAPPER nothing TO app_owner; SET ROLE app_owner;"
        " CREATE SERVER far_a FOREIGN DATA WRAPPER nothing;"
        " CREATE SERVER far_b FOREIGN DATA WRAPPER nothing;"
        " CREATE SERVER other FOREIGN DATA WRAPPER nothing",
        permission="foreignServers: ['far_*'], actions: [USAGE]",
        holds="SELECT bool_and(has_server_privilege('reader', s, 'USAGE'))"
        " FROM unnest(ARRAY['far_a', 'far_b']) AS s",
        takes="REVOKE USAGE ON FOREIGN SERVER far_a, far_b FROM reader",
        gives="GRANT USAGE ON FOREIGN SERVER other TO reader;"
        " GRANT USAGE ON FOREIGN SERVER far_b TO reader WITH GRANT OPTION",
        too_much="SELECT has_server_privilege('reader', 'other', 'USAGE')"
        " OR has_server_privilege('reader', 'far_b', 'USAGE WITH GRANT OPTION')",
        new="CREATE SERVER far_c FOREIGN DATA WRAPPER nothing",
        new_holds="SELECT has_server_privilege('reader', 'far_c', 'USAGE')",
    ),
    ObjectKind.ROUTINE: Case(
        setup="CREATE FUNCTION schema1.call(int) RETURNS int LANGUAGE sql AS 'SELECT 1';"
        " CREATE FUNCTION schema1.call(text) RETURNS int LANGUAGE sql AS 'SELECT 2';"
        " CREATE PROCEDURE schema1.cast_off(a int, INOUT b text) LANGUAGE sql AS 'SELECT b';"
        " CREATE AGGREGATE schema1.cabins(int) (sfunc = int4pl, stype = int);"
        " CREATE FUNCTION schema1.dial(VARIADIC text[]) RETURNS int LANGUAGE sql AS 'SELECT 3';"
        " CREATE FUNCTION schema1.dial(text) RETURNS int LANGUAGE sql AS 'SELECT 4';"
        " CREATE FUNCTION schema2.call(int) RETURNS int LANGUAGE sql AS 'SELECT 5';"
        " REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA schema1, schema2 FROM PUBLIC",
        permission="schemas: [schema1], routines: ['ca*', 'dial(text[])'], actions: [EXECUTE]",
        holds="SELECT bool_and(has_function_privilege('reader', f, 'EXECUTE')) FROM unnest(ARRAY["
        "'schema1.call(int)', 'schema1.call(text)', 'schema1.cast_off(int,text)',"
        " 'schema1.cabins(int)', 'schema1.dial(text[])']) AS f",
        takes="REVOKE EXECUTE ON FUNCTION schema1.call(int), schema1.dial(text[]) FROM reader;"
        " REVOKE EXECUTE ON PROCEDURE schema1.cast_off(int, text) FROM reader;"
        " REVOKE EXECUTE ON ROUTINE schema1.cabins(int) FROM reader",
        gives="GRANT EXECUTE ON FUNCTION schema1.dial(text), schema2.call(int) TO reader;"
        " GRANT EXECUTE ON FUNCTION schema1.call(text) TO reader WITH GRANT OPTION",
        too_much="SELECT has_function_privilege('reader', 'schema1.dial(text)', 'EXECUTE')"
        " OR has_function_privilege('reader', 'schema2.call(int)', 'EXECUTE')"
        " OR has_function_privilege('reader', 'schema1.call(text)', 'EXECUTE WITH GRANT OPTION')",
        new="CREATE FUNCTION schema1.call() RETURNS int LANGUAGE sql AS 'SELECT 6';"
        " REVOKE EXECUTE ON FUNCTION schema1.call() FROM PUBLIC",
        new_holds="SELECT has_function_privilege('reader', 'schema1.call()', 'EXECUTE')",
    ),
    ObjectKind.LARGE_OBJECT: Case(
        setup="SELECT lo_create(50001), lo_create(4000000002), lo_create(50004)",
        permission="largeObjects: [50001, 4000000002, 50003], actions: [SELECT, UPDATE]",
        holds=f"SELECT count(*) = 4 FROM {READER_HOLDS} AND o.oid IN (50001, 4000000002)",
        takes="REVOKE UPDATE ON LARGE OBJECT 50001, 4000000002 FROM reader",
        gives="GRANT SELECT ON LARGE OBJECT 50004 TO reader;"
        " GRANT SELECT ON LARGE OBJECT 50001 TO reader WITH GRANT OPTION",
        too_much=f"SELECT count(*) > 0 FROM {READER_HOLDS} AND (o.oid = 50004 OR x.is_grantable)",
        new="SELECT lo_create(50003); REVOKE ALL ON LARGE OBJECT 50003 FROM PUBLIC",
        new_holds=f"SELECT count(*) = 2 FROM {READER_HOLDS} AND o.oid = 50003",
    ),
    ObjectKind.TABLESPACE: Case(
        setup=NOTHING,
        permission="tablespaces: [pg_default], actions: [CREATE]",
        holds="SELECT has_tablespace_privilege('reader', 'pg_default', 'CREATE')",
        takes="RESET ROLE; REVOKE CREATE ON TABLESPACE pg_default FROM reader",
        gives="GRANT CREATE ON TABLESPACE pg_global TO reader;"
        " GRANT CREATE ON TABLESPACE pg_default TO reader WITH GRANT OPTION",
        too_much="SELECT has_tablespace_privilege('reader', 'pg_global', 'CREATE')"
        " OR has_tablespace_privilege('reader', 'pg_default', 'CREATE WITH GRANT OPTION')",
        new=NOTHING,
        new_holds="SELECT true",
    ),
    ObjectKind.PARAMETER: Case(
        setup="RESET ROLE; GRANT SET ON PARAMETER log_duration TO app_owner",
        permission="parameters: [log_min_Messages, log_duration, myapp.tenant, work_mem],"
        " actions: [SET]",
        holds="SELECT bool_and(has_parameter_privilege('reader', p, 'SET')) FROM"
        " unnest(ARRAY['log_min_messages', 'log_duration', 'myapp.tenant', 'work_mem']) AS p",
        takes="RESET ROLE; REVOKE SET ON PARAMETER log_min_messages, myapp.tenant FROM reader",
        gives="GRANT ALTER SYSTEM ON PARAMETER log_hostname, log_duration TO reader;"
        " GRANT SET ON PARAMETER myapp.tenant TO reader WITH GRANT OPTION",
        too_much="SELECT has_parameter_privilege('reader', 'log_hostname', 'ALTER SYSTEM')"
        " OR has_parameter_privilege('reader', 'log_duration', 'ALTER SYSTEM')"
        " OR has_parameter_privilege('reader', 'myapp.tenant', 'SET WITH GRANT OPTION')",
        new=NOTHING,
        new_holds="SELECT has_parameter_privilege('app_owner', 'log_duration', 'SET')",
    ),
}


def declared(permissions: dict[ObjectKind, str]) -> str:
    """A Role with one Permission per kind."""
    names = {kind: kind.lower().replace(" ", "-") for kind in permissions}
    lines = [
        f"Permission/{names[kind]}: {{database: mydb, {text}}}"
        for kind, text in permissions.items()
    ]
    return "\n".join([*lines, f"Role/reader: {{database: mydb, permissions: {[*names.values()]}}}"])


def test_every_kind_has_a_case() -> None:
    tested = {kind for kind, row in KINDS.items() if row.since <= max(VERSIONS)}
    assert CASES.keys() | OF_THE_DATABASE_ITSELF == tested


@pytest.mark.every_version
@pytest.mark.parametrize("row", KINDS.values(), ids=lambda row: row.kind)
async def test_a_row_has_the_privileges_that_the_server_gives_an_owner(
    row: Row, database: Database
) -> None:
    """acldefault() is the server's own list: nothing is missing in ours, and nothing is made up."""
    major = database.server.version
    if not row.default_acl or row.since > major:
        return
    look = await database.connect()
    found = await look.fetch(
        'SELECT privilege_type FROM aclexplode(acldefault($1::"char", 10)) WHERE grantee = 10',
        row.default_acl.encode(),
    )
    assert {one["privilege_type"] for one in found} == row.privileges - unknown_to(major, row.kind)


async def test_what_only_a_newer_server_has_is_read_by_a_statement_that_todays_takes(
    database: Database,
) -> None:
    """Nothing is found by it, and nothing in it is misspelt."""
    newer = [row for row in KINDS.values() if row.since > max(VERSIONS)]
    look = await database.connect()
    for row in newer:
        rows = await look.fetch(
            statements.whole(row.since),
            [],
            [],
            False,
            statements.CATALOGS,
            [row.kind],
            [],
            True,
            False,
        )
        assert "SCHEMA" in {one["part"] for one in rows}
        assert row.kind not in {one["part"] for one in rows}


@pytest.mark.rule("8", "13", "25")
@pytest.mark.every_version
@pytest.mark.slow_versions(16, 17)
async def test_every_kind_is_given_kept_and_taken_again(database: Database, tmp_path: Path) -> None:
    """Each break is corrected, and a second plan is empty; a new object is reached by a pattern."""
    look = await database.connect()
    cases = {k: c for k, c in CASES.items() if KINDS[k].since <= database.server.version}
    for one in cases.values():
        await look.execute(f"SET ROLE app_owner; {one.setup}; RESET ROLE")
    async with running(settings_for(database), tmp_path) as regent:
        permissions = {kind: one.permission for kind, one in cases.items()}
        off = {"brake": {"mode": "Disabled"}, "allow": {"parameters": ["log_*", "myapp.*"]}}
        await regent.push(state(declared(permissions), regent=off))
        status = await regent.settled(1)
        assert {one["reason"] for one in status["resources"]} == {"Applied"}, status
        for one in cases.values():
            assert await look.fetchval(one.holds), one.holds
            assert not await look.fetchval(one.too_much), one.too_much
        assert await planned(regent) == []
        for one in cases.values():
            await look.execute(f"SET ROLE app_owner; {one.takes}; {one.gives}")
            await look.execute(f"{one.new}; RESET ROLE")
            await true(look, f"SELECT ({one.holds}) AND NOT ({one.too_much}) AND ({one.new_holds})")
            assert await planned(regent) == []
        await regent.push(state("Role/reader: {database: mydb}", regent=off, revision=2))
        await regent.settled(2)
        for one in cases.values():
            assert not await look.fetchval(one.holds), one.holds


async def true(look: asyncpg.Connection, query: str) -> None:
    """Wait until the query says so."""

    async def holds() -> bool:
        return bool(await look.fetchval(query))

    await eventually(holds)


async def planned(regent: Regent) -> list[str]:
    """What another pass would do."""
    plan = (await regent.ask("POST", "/v1/plan")).json()
    return [one["what"] for one in plan["changes"]]
