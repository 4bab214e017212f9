"""A grant whose grantor cannot take it back any more is taken all the same (rule 8)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regent.changes import DropRole, RevokePrivileges
from shared.privileges import ObjectKind
from tests.integration.facts.once import all_ready, applied, is_settled, outcome
from tests.integration.test_apply import Bench, bench, create
from tests.postgres.database import Database

__all__ = ["bench"]

pytestmark = pytest.mark.every_version

UPDATE = frozenset({"UPDATE"})
ALICE = """
Permission/one: {database: mydb, schemas: [schema1], tables: [flights], columns: [flight_id],
  actions: [SELECT]}
User/alice: {database: mydb, permissions: [one]}
User/keeper: {database: mydb}
"""
WHO = """
SELECT coalesce(array_agg(concat_ws(' ', a.grantee::regrole, a.privilege_type, c.attname,
    a.grantor::regrole) ORDER BY a.grantee::regrole::text, a.privilege_type), '{}')
FROM pg_attribute AS c CROSS JOIN LATERAL aclexplode(c.attacl) AS a
WHERE c.attrelid = 'schema1.flights'::regclass
"""
TABLE = """
SELECT coalesce(array_agg(concat_ws(' ', a.grantee::regrole, a.privilege_type, a.grantor::regrole)
    || CASE WHEN a.is_grantable THEN '*' ELSE '' END
    ORDER BY a.grantee::regrole::text, a.privilege_type), '{}')
FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
WHERE c.oid = 'schema1.flights'::regclass AND a.grantee <> c.relowner
"""
BY_X = """
CREATE ROLE bystander; GRANT USAGE ON SCHEMA schema1 TO x;
SET ROLE app_owner; GRANT SELECT, UPDATE ON schema1.flights TO x WITH GRANT OPTION; SET ROLE x;
GRANT SELECT (flight_id), UPDATE (flight_id) ON schema1.flights TO alice, bystander;
SET ROLE app_owner; REVOKE ALL ON schema1.flights FROM x CASCADE; RESET ROLE
"""


@pytest.mark.found("E100")
@pytest.mark.rule("8")
@pytest.mark.fact("PG-ACL-20")
@pytest.mark.parametrize("keeps", ["", "; GRANT SELECT ON schema1.flights TO x"])
async def test_a_column_is_taken_back_from_whom_a_grantor_without_its_option_gave_it(
    database: Database, keeps: str
) -> None:
    """PostgreSQL refuses that grantor's REVOKE, or only warns: `no privileges could be revoked`."""
    assert all_ready(await applied(database, ALICE))
    await database.execute("CREATE ROLE x;" + BY_X + keeps, "postgres")
    done = await applied(database, ALICE)
    assert all_ready(done), done.outcomes
    assert not [one for one in done.results if not one.done]
    look = await database.connect()
    # The twin: what is declared, and what is nobody's business, is held by somebody's grant.
    assert {one.rsplit(" ", 1)[0] for one in await look.fetchval(WHO)} == {
        "alice SELECT flight_id",
        "bystander SELECT flight_id",
        "bystander UPDATE flight_id",
    }
    assert await look.fetchval(TABLE) == (["x SELECT app_owner"] if keeps else [])
    assert await is_settled(database, ALICE)


OPTION = """
Permission/write: {database: mydb, schemas: [schema1], tables: [flights],
  actions: [UPDATE, DELETE], withGrantOption: %s}
User/m: {database: mydb, permissions: [write]}
User/keeper: {database: mydb}
"""


@pytest.mark.found("E100")
@pytest.mark.rule("8", "27")
async def test_what_hung_on_a_tables_option_goes_with_it_and_the_leaver_can_go(
    database: Database,
) -> None:
    """We made such items ourselves: the REVOKE on the table left what was given on its columns."""
    assert all_ready(await applied(database, OPTION % "true"))
    await database.execute(
        "CREATE ROLE outsider; SET ROLE m; GRANT UPDATE (flight_id) ON schema1.flights TO outsider",
        "postgres",
    )
    assert await is_settled(database, OPTION % "true")
    assert all_ready(await applied(database, OPTION % "false", 2))
    look = await database.connect()
    assert await look.fetchval(WHO) == ["outsider UPDATE flight_id app_owner"]
    assert await look.fetchval(TABLE) == ["m DELETE app_owner", "m UPDATE app_owner"]
    assert await is_settled(database, OPTION % "false", 2)
    left = await applied(database, "User/keeper: {database: mydb}", 3, deleted=("User/default/m",))
    assert all(one.done for one in left.results), left.results
    assert not await look.fetchval("SELECT FROM pg_roles WHERE rolname = 'm'")


@pytest.mark.found("E100")
@pytest.mark.rule("27")
async def test_a_leaver_who_gave_on_columns_by_an_option_that_is_gone_is_dropped(
    bench: Bench,
) -> None:
    """DROP OWNED leaves what the leaver gave, where it has no option in that ACL."""
    await bench.apply(create("x"), create("alice"))
    await bench.look.execute(BY_X)
    [dropped] = await bench.apply(DropRole("x"))
    assert dropped.done, dropped
    assert await bench.look.fetchval(WHO) == [
        f"{who} {what} flight_id app_owner"
        for who in ("alice", "bystander")
        for what in ("SELECT", "UPDATE")
    ]


@pytest.mark.found("E100")
@pytest.mark.rule("21", "29")
async def test_a_revoke_that_postgresql_only_warns_of_is_not_done(bench: Bench) -> None:
    """And the others that were sent with it are."""
    await bench.apply(create("x"), create("alice"))
    await bench.look.execute(BY_X + "; GRANT SELECT ON schema1.flights TO x")
    [flights] = await bench.objects("schema1.flights")
    column = RevokePrivileges(
        "mydb", ObjectKind.COLUMN, (flights,), UPDATE, ("alice",), "x", columns=("flight_id",)
    )
    real = replace(column, grantees=("bystander",), grantor="app_owner", columns=("origin",))
    await bench.look.execute("GRANT UPDATE (origin) ON schema1.flights TO bystander")
    warned, done = await bench.apply(column, real)
    assert done.done, done
    assert (warned.done, warned.sqlstate) == (False, "01006")
    assert "no privileges could be revoked" in warned.message
    assert warned.remaining == (column,)
    assert not [one for one in await bench.look.fetchval(WHO) if "origin" in one]


BY_Y = """
CREATE ROLE y; CREATE ROLE bystander; GRANT USAGE ON SCHEMA schema1 TO y; SET ROLE app_owner;
GRANT DELETE, UPDATE ON schema1.flights TO y WITH GRANT OPTION; SET ROLE y;
GRANT DELETE, UPDATE ON schema1.flights TO alice, bystander;
GRANT UPDATE (flight_id) ON schema1.flights TO alice; RESET ROLE;
"""


@pytest.mark.found("E100")
@pytest.mark.rule("8")
async def test_what_a_grantor_gave_who_may_not_use_the_schema_any_more_is_taken_by_the_owner(
    database: Database,
) -> None:
    """It finds no table there that it could revoke on.

    The twin: the grantor keeps its own option, and a bystander what it was given.
    """
    assert all_ready(await applied(database, ALICE))
    await database.execute(BY_Y + "REVOKE USAGE ON SCHEMA schema1 FROM y", "postgres")
    done = await applied(database, ALICE)
    assert all_ready(done), done.outcomes
    assert all(one.done for one in done.results), done.results
    look = await database.connect()
    assert await look.fetchval(TABLE) == [
        "bystander DELETE app_owner",
        "bystander UPDATE app_owner",
        "y DELETE app_owner*",
        "y UPDATE app_owner*",
    ]
    assert await look.fetchval(WHO) == ["alice SELECT flight_id app_owner"]
    assert await is_settled(database, ALICE)


@pytest.mark.found("E100")
@pytest.mark.rule("21", "29")
@pytest.mark.fact("PG-ACL-21")
async def test_what_a_grantor_gave_who_is_a_superuser_now_is_said_and_not_tried(
    database: Database,
) -> None:
    """Its REVOKE counts as the owner's and takes nothing, without a word: it was told as done."""
    assert all_ready(await applied(database, ALICE))
    await database.execute(BY_Y + "ALTER ROLE y SUPERUSER", "postgres")
    done = await applied(database, ALICE)
    said = outcome(done, "User/alice")
    assert said.reason == "NotManageable", said
    assert "is a superuser now" in said.message
    assert "Take SUPERUSER from" in said.message
    assert not [one for one in done.results if one.done]
    # The twin: once it is none any more, the next apply takes it.
    await database.execute("ALTER ROLE y NOSUPERUSER", "postgres")
    assert all_ready(await applied(database, ALICE))
    look = await database.connect()
    assert await look.fetchval(WHO) == ["alice SELECT flight_id app_owner"]


@pytest.mark.found("E100")
@pytest.mark.rule("8")
async def test_a_grantor_without_its_option_who_has_the_owners_rights_is_no_way_round(
    database: Database,
) -> None:
    """No option of a member of the owner is ever gone, so that nothing falls with it."""
    assert all_ready(await applied(database, ALICE))
    await database.execute(f"CREATE ROLE x; {BY_X}; GRANT app_owner TO x", "postgres")
    done = await applied(database, ALICE)
    assert all_ready(done), done.outcomes
    look = await database.connect()
    assert not [one for one in await look.fetchval(WHO) if one.startswith("alice UPDATE")]
    assert [one for one in await look.fetchval(WHO) if one.startswith("bystander UPDATE")]
    assert await is_settled(database, ALICE)
