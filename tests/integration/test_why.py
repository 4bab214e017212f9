"""`why` and `who-can` agree with the server: a chain is there exactly when has_*_privilege is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from regent.why.reading import Answered, read
from tests.command import Ended, flights, postgregent
from tests.postgres.database import Database

ROLES = [f"why_{number}" for number in range(9)]
BUILT_IN = ("pg_read_all_data", "pg_write_all_data", "pg_database_owner", "pg_maintain")
OBJECTS = {
    "table/s.t": ("TABLE s.t", "has_table_privilege({role}, 's.t', {privilege})"),
    "view/s.v": ("TABLE s.v", "has_table_privilege({role}, 's.v', {privilege})"),
    "column/s.t.a": ("", "has_column_privilege({role}, 's.t', 'a', {privilege})"),
    "sequence/s.q": ("SEQUENCE s.q", "has_sequence_privilege({role}, 's.q', {privilege})"),
    "schema/s": ("SCHEMA s", "has_schema_privilege({role}, 's', {privilege})"),
    "s.f(integer)": (
        "FUNCTION s.f(int)",
        "has_function_privilege({role}, 's.f(integer)', {privilege})",
    ),
    "type/s.mood": ("TYPE s.mood", "has_type_privilege({role}, 's.mood', {privilege})"),
    "language/sql": ("LANGUAGE sql", "has_language_privilege({role}, 'sql', {privilege})"),
    "foreign-data-wrapper/w": (
        "FOREIGN DATA WRAPPER w",
        "has_foreign_data_wrapper_privilege({role}, 'w', {privilege})",
    ),
    "foreign-server/far": (
        "FOREIGN SERVER far",
        "has_server_privilege({role}, 'far', {privilege})",
    ),
    "tablespace/pg_default": (
        "TABLESPACE pg_default",
        "has_tablespace_privilege({role}, 'pg_default', {privilege})",
    ),
    "parameter/log_statement": (
        "PARAMETER log_statement",
        "has_parameter_privilege({role}, 'log_statement', {privilege})",
    ),
    "database/mydb": ("DATABASE mydb", "has_database_privilege({role}, 'mydb', {privilege})"),
    "pg_catalog.pg_authid": (
        "TABLE pg_catalog.pg_authid",
        "has_table_privilege({role}, 'pg_catalog.pg_authid', {privilege})",
    ),
}
PRIVILEGES = {
    "table": "SELECT INSERT UPDATE DELETE TRUNCATE REFERENCES TRIGGER MAINTAIN",
    "view": "SELECT UPDATE",
    "column": "SELECT INSERT UPDATE REFERENCES",
    "sequence": "SELECT UPDATE USAGE",
    "schema": "USAGE CREATE",
    "tablespace": "CREATE",
    "parameter": "SET",
    "database": "CONNECT CREATE TEMPORARY",
    "pg_catalog.pg_authid": "SELECT DELETE",
    "s.f(integer)": "EXECUTE",
}
SETUP = """
    CREATE SCHEMA s; CREATE TABLE s.t (a int, b int); CREATE VIEW s.v AS SELECT 1 AS x;
    CREATE SEQUENCE s.q; CREATE FUNCTION s.f(int) RETURNS int LANGUAGE sql RETURN $1;
    CREATE TYPE s.mood AS ENUM ('calm'); CREATE FOREIGN DATA WRAPPER w;
    CREATE SERVER far FOREIGN DATA WRAPPER w"""


def questions(version: int) -> Iterator[tuple[str, str]]:
    """Every object with each of its privileges."""
    for name in OBJECTS:
        kind = name if name in PRIVILEGES else name.partition("/")[0]
        for privilege in PRIVILEGES.get(kind, "USAGE").split():
            if (privilege == "MAINTAIN" and version < 17) or (kind == "parameter" and version < 15):
                continue
            yield name, privilege


def world(chance: random.Random, version: int) -> Iterator[str]:
    """Roles with memberships of every option, and grants on everything, some to PUBLIC."""
    for role in ROLES:
        attributes = chance.choice(
            ["", "NOINHERIT", "", "SUPERUSER" if chance.random() < 0.2 else ""]
        )
        yield f"CREATE ROLE {role} {attributes}"
    groups = [*(one for one in BUILT_IN if version >= 17 or one != "pg_maintain"), *ROLES]
    for at, role in enumerate(ROLES):
        for group in chance.sample(groups[: len(groups) - len(ROLES) + at], k=min(at, 3)):
            if group == "pg_database_owner":
                continue
            options = ""
            if version >= 16:
                inherit, allowed = (
                    chance.choice(["TRUE", "FALSE"]),
                    chance.choice(["TRUE", "FALSE"]),
                )
                options = f" WITH INHERIT {inherit}, SET {allowed}"
            yield f"GRANT {group} TO {role}{options}"
    for name, (on, _) in OBJECTS.items():
        if on and not (name.startswith("parameter") and version < 15):
            privileges = [privilege for one, privilege in questions(version) if one == name]
            yield f"REVOKE ALL ON {on} FROM PUBLIC"
            for _ in range(3):
                to = chance.choice([*ROLES, "pg_database_owner", "PUBLIC"])
                yield f"GRANT {chance.choice(privileges)} ON {on} TO {to}"
    yield f"GRANT SELECT (a) ON s.t TO {chance.choice(ROLES)}"
    yield f"GRANT UPDATE (a) ON s.t TO {chance.choice(ROLES)}"
    yield f"ALTER TABLE s.t OWNER TO {chance.choice(ROLES)}"
    yield f"ALTER DATABASE mydb OWNER TO {chance.choice(ROLES)}"


async def said_by_the_server(
    connection: asyncpg.Connection, name: str, privilege: str, version: int
) -> dict[str, tuple[bool, frozenset[str]]]:
    """Who has it at once, and whom each role may become."""
    asked = OBJECTS[name][1].format(role="r.rolname", privilege=f"'{privilege}'")
    become = "SET" if version >= 16 else "MEMBER"
    rows = await connection.fetch(
        f"SELECT r.rolname AS role, {asked} AS has, ARRAY(SELECT o.rolname FROM pg_roles AS o"
        f" WHERE pg_has_role(r.oid, o.oid, '{become}')) AS becomes"
        " FROM pg_roles AS r WHERE r.rolname ~ '^why_'"
    )
    return {row["role"]: (row["has"], frozenset(row["becomes"])) for row in rows}


def agrees(
    answer: Answered, said: dict[str, tuple[bool, frozenset[str]]], all_has: set[str]
) -> None:
    for role, (has, becomes) in said.items():
        chains = answer.chains.of(role)
        assert any(one.is_at_once for one in chains) is has, (role, chains)
        assert bool(chains) is (has or bool(becomes & all_has)), (role, chains)
        for one in chains:
            assert one.is_at_once or one.set_role in becomes & all_has, (role, one)
            steps = [role, *(link.group for link in one.links)]
            assert [link.member for link in one.links] == steps[:-1]


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.parametrize("seed", range(3))
async def test_a_chain_is_there_exactly_when_the_server_says_so(
    database: Database, seed: int
) -> None:
    connection = await database.connect()
    version = database.server.version
    chance = random.Random(seed)  # noqa: S311 - the same each time
    await connection.execute(SETUP)
    for statement in world(chance, version):
        await connection.execute(statement)
    for name, privilege in questions(version):
        answer = await read(connection, database.name, privilege, name)
        asked = OBJECTS[name][1].format(role="r.rolname", privilege=f"'{privilege}'")
        has = await connection.fetch(f"SELECT r.rolname FROM pg_roles AS r WHERE {asked}")
        said = await said_by_the_server(connection, name, privilege, version)
        agrees(answer, said, {row["rolname"] for row in has})
        best = {one.role for one in answer.chains.best()}
        assert best >= {row["rolname"] for row in has}
        assert {one for one in best if one in said} == {
            one for one in said if answer.chains.of(one)
        }


async def test_the_command_names_the_chain_and_the_resource_of_each_link(
    database: Database, tmp_path: Path
) -> None:
    """Beside what nobody declares; a policy that speaks to nobody is told, too."""
    directory = str(flights(tmp_path))
    await postgregent("apply", directory, "--dsn", database.dsn())
    await database.execute(
        'CREATE ROLE bob LOGIN; GRANT "mydb-viewer" TO bob; GRANT SELECT ON schema1.flights TO bob;'
        " ALTER TABLE schema1.flights ENABLE ROW LEVEL SECURITY"
    )

    async def asked(*words: str) -> Ended:
        return await postgregent(*words, "--dsn", database.dsn())

    said = await asked("why", "summer-intern-2", "SELECT", "schema1.flights", directory)
    assert said.status == 0, said.err
    assert "Permission/default/read-schemas-1-and-2 (permissions.yaml:1)" in said.out
    assert "User/default/summer-intern-2 (users.yaml:1)" in said.out
    assert "no policy speaks to it" in said.out
    data = (await asked("why", "bob", "SELECT", "schema1.flights", directory, "-o", "json")).data()
    own, by_group = data["holders"][0]["chains"]
    assert (own["through"], own["declaredBy"]) == ([], [])
    assert [link["group"] for link in by_group["through"]] == ["mydb-viewer"]
    assert by_group["declaredBy"][0]["resource"] == "Permission/default/read-schemas-1-and-2"
    assert (await asked("why", "bob", "DELETE", "schema1.flights")).status == 2
    who = (await asked("who-can", "SELECT", "schema1.flights", "-o", "json")).data()
    assert {"bob", "app_owner", "my-admin"} < {one["role"] for one in who["holders"]}
    assert "mydb-viewer" not in {one["role"] for one in who["holders"]}


async def test_what_narrows_an_answer_or_makes_it_useless_is_noted(database: Database) -> None:
    await database.execute(
        'CREATE SCHEMA "m s"; CREATE SCHEMA ms; CREATE TABLE "m s"."x""y" ("a""b" int, c int);'
        ' CREATE ROLE ina; GRANT SELECT ("a""b", c) ON "m s"."x""y" TO ina;'
        ' CREATE ROLE dora; CREATE ROLE reader; GRANT SELECT ON "m s"."x""y" TO reader;'
        ' GRANT USAGE ON SCHEMA "m s" TO reader; GRANT reader TO dora; ALTER ROLE dora NOINHERIT;'
        ' ALTER TABLE "m s"."x""y" ENABLE ROW LEVEL SECURITY;'
        ' CREATE POLICY narrow ON "m s"."x""y" AS RESTRICTIVE USING (true)'
    )
    if database.server.version >= 16:
        await database.execute("GRANT reader TO dora WITH INHERIT FALSE")

    async def noted(*words: str) -> tuple[int, str]:
        ended = await postgregent("why", *words, "--dsn", database.dsn())
        assert ended.status in (0, 2), ended.err
        return ended.status, ended.out

    status, said = await noted("ina", "SELECT", 'm s.x"y')
    assert (status, 'on these columns: a"b, c' in said) == (2, True)
    status, said = await noted("ina", "SELECT", '"m s"."x""y"."a""b"')
    assert (status, "no USAGE on schema m s" in said) == (0, True)
    status, said = await noted("dora", "SELECT", '"m s"."x""y"')
    assert (status, "only after SET ROLE" in said, "of no use" in said) == (2, True, False)
    assert "no policy speaks to it" in said
    status, said = await noted("ina", "SET", "WORK_MEM")
    assert "Anybody may SET it" in said or database.server.version < 15


@pytest.mark.versions(18)
async def test_a_directory_names_its_resources_whosever_state_is_in_force(
    database: Database, tmp_path: Path
) -> None:
    """USAGE on a schema comes with what is given in it, and is no drift (rule 15)."""
    directory = str(flights(tmp_path))
    await postgregent("apply", directory, "--dsn", database.dsn())
    home = await database.server.connect("postgregent")
    await home.execute(
        "UPDATE postgregent.regents SET accepted = jsonb_set(accepted::jsonb, '{state,origin}',"
        " '\"another\"')"
    )
    await home.close()
    words = ("summer-intern-2", "USAGE", "schema/schema1", directory)
    said = await postgregent("why", *words, "--dsn", database.dsn())
    assert said.status == 0, said.err
    assert "comes with Permission/default/read-schemas-1-and-2" in said.out


@pytest.mark.versions(18)
async def test_what_default_privileges_will_give_is_said_of_new_objects(
    database: Database,
) -> None:
    """A write, and through a group; the server agrees once such a table is made."""
    await database.execute(
        "CREATE ROLE readers; CREATE ROLE reader LOGIN IN ROLE readers;"
        " ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA schema1"
        " GRANT INSERT ON TABLES TO readers;"
        " ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA schema2"
        " GRANT INSERT ON TABLES TO PUBLIC"
    )
    asked = ("INSERT", "schema1.flights", "--dsn", database.dsn())
    ended = await postgregent("why", "reader", *asked)
    assert ended.status == 2, ended.err
    new = "On new tables of app_owner in schema schema1 it will"
    assert f"{new} have it by default privileges: reader → readers." in ended.out
    assert "schema2" not in ended.out
    everybody = await postgregent("who-can", *asked, "-o", "json")
    assert f"{new} be had, by default privileges, by: reader, readers." in everybody.data()["notes"]
    await database.execute("SET ROLE app_owner; CREATE TABLE schema1.came_later ()")
    connection = await database.connect()
    assert await connection.fetchval(
        "SELECT has_table_privilege('reader', 'schema1.came_later', 'INSERT')"
    )
    for privilege, name in (("SELECT", "table/schema1.flights"), ("USAGE", "schema/schema1")):
        other = await postgregent("why", "reader", privilege, name, "--dsn", database.dsn())
        assert "by default privileges" not in other.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody", "SELECT", "schema1.flights"), "There is no role 'nobody'"),
        (("app_owner", "FLY", "schema1.flights"), "'FLY' is no privilege"),
        (("app_owner", "EXECUTE", "table/schema1.flights"), "no privilege on a table"),
        (("app_owner", "SELECT", "schema1.flightz"), "called 'schema1.flightz'"),
        (("app_owner", "USAGE", "twice"), "type/schema1.twice"),
        (("app-owner", "SELECT", "schema1.flights"), "Did you mean app_owner? Name it"),
        (("app_owner", "SELCT", "schema1.flights"), "Did you mean SELECT? Say one of"),
        (("app_owner", "SELECT", "schema1.flihgts"), "Did you mean schema1.flights? Write it"),
        (("app_owner", "SELECT", "table/flihgts"), "Did you mean schema1.flights? Write it"),
        (("app_owner", "USAGE", "schema/shcema2"), "Did you mean schema2? Write it"),
        (("app_owner", "EXECUTE", "schema1.flight_cuont"), "Did you mean schema1.flight_count?"),
    ],
)
async def test_what_is_not_there_is_said_with_the_way_out(
    database: Database, words: tuple[str, ...], said: str
) -> None:
    await database.execute("CREATE TYPE schema1.twice AS (a int); CREATE SEQUENCE schema1.twice_")
    await database.execute("CREATE SEQUENCE schema2.twice")
    ended = await postgregent("why", *words, "--dsn", database.dsn())
    assert ended.status == 1
    assert said in ended.err
    assert "→" in ended.err
