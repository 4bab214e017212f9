"""Code that runs as the owner of a table though no function, trigger or index is to be seen on it.

The queries of a foreign key run as the owner of the table that they look at, and cast its values by
whatever cast there is then (ri_triggers.c): PostgreSQL writes no dependency down (ADR 48).
"""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from tests.attacks.test_leaving import LEAVER, owners, prepared, said
from tests.integration.facts.once import all_ready, applied, is_settled, outcome
from tests.integration.test_owned_databases import applied as applied_to_both
from tests.postgres.database import Database

pytestmark = [pytest.mark.every_version, pytest.mark.slow_versions(14, 16, 17)]

MALLORY = """
CREATE ROLE mallory; CREATE SCHEMA mal AUTHORIZATION mallory; SET ROLE mallory;
GRANT USAGE ON SCHEMA mal TO PUBLIC;
CREATE TYPE mal.color AS ENUM ('1', '2', '3'); CREATE TABLE mal.loot (who text);
GRANT INSERT ON mal.loot TO PUBLIC;
CREATE FUNCTION mal.spent(c mal.color) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO mal.loot VALUES (current_user); RETURN c::text::int; END $$;
CREATE CAST (mal.color AS int) WITH FUNCTION mal.spent(mal.color) AS IMPLICIT;
CREATE TABLE mal.p (id int PRIMARY KEY); INSERT INTO mal.p VALUES (1), (2);
GRANT REFERENCES, SELECT ON mal.p TO PUBLIC; RESET ROLE
"""
TABLES = """
CREATE TABLE {0}.fk (c mal.color REFERENCES mal.p); INSERT INTO {0}.fk VALUES ('1');
CREATE TABLE {0}.fk_parts (c mal.color REFERENCES mal.p) PARTITION BY LIST (c);
CREATE TABLE {0}.pk (id int PRIMARY KEY); INSERT INTO {0}.pk VALUES (1);
CREATE TABLE {0}.one (id int PRIMARY KEY); CREATE TABLE {0}.columns (id int PRIMARY KEY);
GRANT REFERENCES ON {0}.pk, {0}.one TO mallory; GRANT REFERENCES (id) ON {0}.columns TO mallory;
CREATE TABLE {0}.open (id int); GRANT TRIGGER ON {0}.open TO PUBLIC;
CREATE TABLE {0}.plain (id int PRIMARY KEY, c mal.color UNIQUE);
CREATE TABLE {0}.child (id bigint REFERENCES {0}.plain (id), c mal.color REFERENCES {0}.plain (c));
GRANT REFERENCES ON {0}.plain TO reader
"""
CODE = ["fk", "fk_parts", "pk", "one", "columns", "open"]
PLAIN = ["plain", "child"]


async def used(database: Database) -> set[str]:
    """As whom Mallory's cast ran, when he writes to tables of his own."""
    await database.execute(
        "SET ROLE mallory; DELETE FROM mal.loot; DELETE FROM mal.p WHERE id = 2;"
        "INSERT INTO mal.m VALUES ('1'); RESET ROLE"
    )
    look = await database.connect()
    return {row[0] for row in await look.fetch("SELECT who FROM mal.loot")}


@pytest.mark.found("E220")
async def test_a_table_whose_foreign_key_casts_or_to_which_anybody_adds_one_is_code(
    database: Database,
) -> None:
    """Either side of the key; the twins differ in types of the server, or not at all."""
    await database.execute(f"{MALLORY}; GRANT USAGE ON SCHEMA schema1 TO PUBLIC")
    await prepared(database, "heir", "RESET ROLE; CREATE ROLE reader; SET ROLE leaver")
    await database.execute(f"SET ROLE leaver; {TABLES.format('schema1')}; RESET ROLE")
    await database.execute(
        "SET ROLE mallory; CREATE TABLE mal.m (c mal.color REFERENCES schema1.pk)"
    )
    reader = "Role/reader: {database: mydb, adopt: true, permissions: [refer]}\n"
    refer = "Permission/refer: {database: mydb, schemas: [schema1], tables: [plain],"
    more = f"{reader}{refer} actions: [REFERENCES]}}\n"
    leaver = "User/leaver: {database: mydb, reassignOwnedTo: heir}\n"
    await applied(database, LEAVER + leaver + more, revision=2)
    report = await applied(database, LEAVER + more, revision=3)
    assert await owners(database, CODE + PLAIN) == {
        **dict.fromkeys(CODE, "leaver"),
        **dict.fromkeys(PLAIN, "heir"),
    }
    assert "casts mal.color to integer" in said(report)
    assert "heir" not in await used(database)
    listed = {"allow": {"reassignOwnedTo": ["heir"]}}
    report = await applied(database, LEAVER + more, revision=4, regent=listed)
    assert set((await owners(database, CODE)).values()) == {"heir"}
    assert await used(database) == {"heir"}  # as whoever listed it was told


@pytest.mark.found("E220")
async def test_such_a_table_is_not_gathered_by_the_owner_of_its_schema(database: Database) -> None:
    await database.execute(
        f"{MALLORY}; CREATE ROLE dev; CREATE SCHEMA app AUTHORIZATION app_owner;"
        "GRANT USAGE, CREATE ON SCHEMA app TO dev; GRANT USAGE ON SCHEMA app TO mallory"
    )
    owns = (
        "Permission/read: {database: mydb, schemas: [schema1], tables: [flights],"
        " actions: [SELECT]}\n"
        "Permission/all: {database: mydb, schemas: [app], tables: ['*'], actions: [ALL]}\n"
        "Role/reader: {database: mydb, permissions: [all]}\n"
        "Role/keeper: {database: mydb, permissions: [read],"
        " owns: {schemas: [{name: app, objects: true}]}}\n"
    )
    regent: dict[str, Any] = {"allow": {"ownedSchemas": ["app"]}, "brake": "Disabled"}
    await applied(database, owns, regent=regent)
    await database.execute("GRANT USAGE, CREATE ON SCHEMA app TO dev; SET ROLE dev;"
        f"{TABLES.format('app')}; RESET ROLE")  # fmt: skip
    await applied(database, owns, 2, regent=regent)
    look = await database.connect()
    found = await look.fetch(
        "SELECT relname::text, relowner::regrole::text FROM pg_class WHERE relkind IN ('r', 'p')"
        " AND relnamespace = 'app'::regnamespace"
    )
    assert dict(tuple(row) for row in found) == {
        **dict.fromkeys(CODE, "dev"),
        **dict.fromkeys(PLAIN, "keeper"),
    }


TRICK = """
CREATE TYPE mal.color AS ENUM ('1', '2');
CREATE FUNCTION mal.spent(c mal.color) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
    ALTER ROLE u SUPERUSER; RETURN c::text::int; END $$;
CREATE CAST (mal.color AS int) WITH FUNCTION mal.spent(mal.color) AS IMPLICIT;
CREATE TABLE mal.m (c mal.color REFERENCES schema1.boss_own (id)); INSERT INTO mal.m VALUES ('1')
"""
BOSS = """
CREATE ROLE boss SUPERUSER; CREATE ROLE maker CREATEROLE; CREATE ROLE made; GRANT maker TO made;
CREATE SCHEMA mal; SET search_path = schema1;
CREATE TABLE boss_own (id int PRIMARY KEY); ALTER TABLE boss_own OWNER TO boss;
CREATE TABLE boss_all (id int PRIMARY KEY); ALTER TABLE boss_all OWNER TO boss;
CREATE TABLE maker_own (id int PRIMARY KEY); ALTER TABLE maker_own OWNER TO made;
CREATE TABLE app_own (id int PRIMARY KEY); ALTER TABLE app_own OWNER TO app_owner
"""
REFERRING = """
Permission/named: {database: mydb, schemas: [schema1], tables: ['*_own'],
  actions: [SELECT, REFERENCES, TRIGGER]}
Permission/columns: {database: mydb, schemas: [schema1], tables: [boss_own], columns: [id],
  actions: [REFERENCES]}
Permission/all: {database: mydb, schemas: [schema1], tables: ['*_all', app_own], actions: [ALL]}
Permission/make: {database: mydb, schemas: [mal], actions: [CREATE, USAGE]}
Role/u: {database: mydb, permissions: [named, columns, all, make]}
"""
HELD = """
SELECT relname || ' ' || privilege_type FROM pg_class
CROSS JOIN LATERAL (
    SELECT relacl UNION ALL SELECT attacl FROM pg_attribute WHERE attrelid = pg_class.oid
) AS x (acl) CROSS JOIN LATERAL aclexplode(acl)
WHERE grantee = 'u'::regrole AND privilege_type IN ('REFERENCES', 'TRIGGER') ORDER BY 1
"""


async def held(database: Database) -> list[str]:
    """What makes the owner's code of it."""
    look = await database.connect()
    return [row[0] for row in await look.fetch(HELD)]


@pytest.mark.found("E221")
async def test_nobody_runs_code_as_a_superuser_by_a_foreign_key_to_his_table(
    database: Database,
) -> None:
    """Written by name or by ALL, on tables and columns, and what he has already goes."""
    await database.execute(BOSS)
    regent: dict[str, Any] = {"allow": {"schemas": ["schema1", "mal"]}}
    report = await applied(database, REFERRING, regent=regent)
    ordinary = ["app_own REFERENCES", "app_own TRIGGER"]
    assert await held(database) == ordinary
    for name, words in (("named", "REFERENCES and TRIGGER are"), ("columns", "REFERENCES is")):
        one = outcome(report, f"Permission/{name}")
        assert (one.state, one.reason) == ("Stalled", "NotAllowed")
        assert f"{words} not given on 'schema1.boss_own' of 'boss'" in one.message
        assert "spec.allow.actions" in one.message
    everything = outcome(report, "Permission/all")
    assert everything.is_ready
    assert any("'schema1.boss_all' of 'boss'" in note for note in everything.notes)
    look = await database.connect()
    assert await look.fetchval("SELECT has_table_privilege('u', 'schema1.boss_all', 'TRUNCATE')")
    await look.execute(
        "GRANT REFERENCES ON schema1.maker_own TO u; GRANT TRIGGER ON schema1.boss_all TO u;"
        "GRANT REFERENCES (id) ON schema1.boss_own TO u"
    )
    await applied(database, REFERRING, 2, regent=regent)
    assert await held(database) == ordinary
    assert await is_settled(database, REFERRING, 3, regent=regent)
    await look.execute("SET ROLE u")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await look.execute(TRICK)
    await look.execute("RESET ROLE")


@pytest.mark.found("E221")
async def test_where_the_regent_lists_it_by_name_it_is_given_on_everybodys_tables(
    database: Database,
) -> None:
    """ALL in the list does not stand for it; who may give SUPERUSER needs no such list."""
    await database.execute(BOSS)
    some = ["ALL", "CREATE", "SELECT", "USAGE", "REFERENCES", "TRIGGER"]
    report = await applied(database, REFERRING, regent={"allow": {"actions": some}})
    assert all_ready(report)
    every = [f"{table} {what}" for table in ("app_own", "boss_all", "boss_own", "boss_own")
             for what in ("REFERENCES", "TRIGGER")]  # fmt: skip
    del every[-1]
    assert await held(database) == sorted([*every, "maker_own REFERENCES", "maker_own TRIGGER"])
    strong = {"allow": {"attributes": ["superuser"]}}
    assert all_ready(await applied(database, REFERRING, 2, regent=strong))
    assert len(await held(database)) == 9


@pytest.mark.found("E221")
async def test_what_a_superuser_will_make_gives_no_code_of_his_by_default(
    database: Database,
) -> None:
    """The twin is an ordinary creator."""
    await database.execute(BOSS)
    wanted = (
        "Role/u: {database: mydb, defaultPrivileges: ["
        "{creator: boss, objects: tables, schemas: [schema1], actions: [ALL]},"
        "{creator: app_owner, objects: tables, schemas: [schema1], actions: [ALL]}]}"
    )
    regent = {"allow": {"creators": ["boss", "app_owner"]}}
    report = await applied(database, wanted, regent=regent)
    assert all_ready(report)
    assert any("what 'boss' makes" in note for note in outcome(report, "Role/u").notes)
    await database.execute(
        "SET search_path = schema1; SET ROLE boss; CREATE TABLE new_of_boss ();"
        "SET ROLE app_owner; CREATE TABLE new_of_app (); RESET ROLE;"
        "GRANT REFERENCES ON new_of_boss TO u"
    )
    assert "new_of_boss REFERENCES" in await held(database)
    await applied(database, wanted, 2, regent=regent)
    assert await held(database) == ["new_of_app REFERENCES", "new_of_app TRIGGER"]
    look = await database.connect()
    assert await look.fetchval("SELECT has_table_privilege('u', 'schema1.new_of_boss', 'SELECT')")


@pytest.mark.found("E221")
@pytest.mark.rule("12")
async def test_no_pattern_lets_anybody_into_a_group_that_has_it_on_a_superusers_table(
    database: Database,
) -> None:
    """On a table or a column; the twins have it on an ordinary owner's, or are named."""
    await database.execute(
        f"{BOSS}; CREATE ROLE ops_table; CREATE ROLE ops_column; CREATE ROLE ops_app;"
        "GRANT REFERENCES ON boss_own TO ops_table;"
        "GRANT REFERENCES (id) ON boss_own TO ops_column;"
        "GRANT REFERENCES, TRIGGER ON app_own TO ops_app"
    )
    groups = ("ops_table", "ops_column", "ops_app")
    wanted = "".join(
        f"Role/in-{one}: {{database: mydb, memberOf: [{{role: {one}}}]}}\n" for one in groups
    )
    report = await applied(database, wanted, regent={"allow": {"memberOf": ["ops_*"]}})
    for name in groups[:2]:
        one = outcome(report, f"Role/in-{name}")
        assert one.reason == "NotAllowed"
        assert "code by REFERENCES on" in one.message
        assert "'boss'" in one.message
    assert outcome(report, "Role/in-ops_app").is_ready
    named = {"allow": {"memberOf": list(groups)}}
    assert all_ready(await applied(database, wanted, 2, regent=named))


@pytest.mark.found("E222")
@pytest.mark.rule("12")
async def test_a_database_is_owned_only_where_create_on_one_may_be_given(
    database: Database,
) -> None:
    """Its owner makes schemas of any name; made anew or taken over."""
    wanted = (
        "Role/a: {database: mydb, owns: {databases: [{name: side, create: true}]}}\n"
        "Role/b: {database: mydb, owns: {databases: [{name: mydb}]}}"
    )
    allow: dict[str, Any] = {"schemas": ["schema1"], "ownedDatabases": ["*"]}
    regent: dict[str, Any] = {"additionalDatabases": ["side"], "allow": allow}
    report = await applied_to_both(database, wanted, 1, regent=regent)
    for name in ("a", "b"):
        one = outcome(report, f"Role/{name}")
        assert one.reason == "NotAllowed"
        assert "spec.allow.outsideSchemas" in one.message
    look = await database.connect()
    question = "SELECT count(*) FROM pg_database WHERE datdba::regrole::text IN ('a', 'b')"
    assert await look.fetchval(question) == 0
    opened = {**regent, "allow": {**allow, "outsideSchemas": ["database"]}}
    await applied_to_both(database, wanted, 2, regent=opened)
    assert await look.fetchval(question) == 2
