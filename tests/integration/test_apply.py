"""Changes are carried out in order, a refused one hides no other, and marks follow the roles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from regent.apply.run import ChangeResult, apply
from regent.changes import (
    AdoptRole,
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateRole,
    DropRole,
    Effect,
    EndSessions,
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    HandOver,
    ObjectRef,
    Plan,
    ReleaseRole,
    RenameRole,
    RevokePrivileges,
    SetPassword,
)
from regent.desired import Attributes
from regent.home.locks import LockLost
from regent.home.store import Home
from regent.inspect import inspect_server
from regent.plan import verifier_digest
from regent.remembered import Mark
from regent.server.connections import Connections
from shared import scram
from shared.keys import ResourceKey
from shared.privileges import ObjectKind
from tests.integration.test_home import REGENT, connector_of
from tests.postgres.database import Database

HOLDER = ResourceKey("Role", "default", "r")
SELECT = frozenset({"SELECT"})


@dataclass(slots=True)
class Bench:
    """A Regent's tools on one test's database."""

    database: Database
    home: Home
    connections: Connections
    look: asyncpg.Connection

    async def apply(self, *changes: Change, **options: object) -> tuple[ChangeResult, ...]:
        async with self.connections.use("mydb") as connection:
            server = await inspect_server(connection)
        return await apply(
            Plan(changes),
            server=server,
            connections=self.connections,
            home=self.home,
            **options,  # type: ignore[arg-type]
        )

    async def objects(self, *names: str) -> tuple[ObjectRef, ...]:
        rows = await self.look.fetch(
            "SELECT c.oid, n.nspname, c.relname, c.relkind::text AS kind, "
            "pg_get_userbyid(c.relowner) AS owner FROM unnest($1::text[]) AS w (name) "
            "JOIN pg_class AS c ON c.oid = w.name::regclass "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace",
            list(names),
        )
        return tuple(
            ObjectRef(int(r["oid"]), r["nspname"], r["relname"], r["kind"], r["owner"])
            for r in rows
        )

    async def can_select(self, role: str, table: str) -> bool:
        return bool(
            await self.look.fetchval("SELECT has_table_privilege($1, $2, 'SELECT')", role, table)
        )

    async def marks(self) -> dict[str, Mark]:
        return {mark.role: mark for mark in await self.home.marks()}


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    connector = connector_of(database.server)
    home = await Home.open(connector, regent=REGENT, through=("mydb",))
    one = Bench(database, home, Connections(connector), await database.connect())
    yield one
    await home.close()
    await one.connections.close()


def create(role: str) -> CreateRole:
    return CreateRole(role, HOLDER, Attributes())


def grant(
    objects: tuple[ObjectRef, ...], *grantees: str, effect: Effect = Effect.WIDEN
) -> GrantPrivileges:
    return GrantPrivileges("mydb", ObjectKind.TABLE, objects, SELECT, grantees, effect=effect)


def revoke(
    objects: tuple[ObjectRef, ...], *grantees: str, grantor: str = "app_owner"
) -> RevokePrivileges:
    return RevokePrivileges("mydb", ObjectKind.TABLE, objects, SELECT, grantees, grantor)


@pytest.mark.rule("8")
@pytest.mark.every_version
async def test_a_role_and_its_mark_come_and_change_together(bench: Bench) -> None:
    verifier = scram.build("secret")
    other = ResourceKey("User", "default", "r")
    results = await bench.apply(
        create("a"),
        create("b"),
        GrantMembership("a", "b"),
        AlterSetting("b", "mydb", "work_mem", "8MB"),
        SetPassword("b", verifier),
        AlterRole("b", Effect.OPEN, login=True),
    )
    assert all(result.done for result in results), results
    assert (await bench.marks())["b"].verifier_digest == verifier_digest(verifier)
    await bench.database.connect("b", "secret")
    oid = await bench.look.fetchval("SELECT oid FROM pg_roles WHERE rolname = 'b'")
    results = await bench.apply(
        RenameRole("b", "c", HOLDER), HandOver("c", other), ClearPassword("c"), ReleaseRole("a")
    )
    assert all(result.done for result in results), results
    marks = await bench.marks()
    assert marks["c"] == Mark("c", REGENT, other, "created", oid)
    assert marks["a"].released
    assert "b" not in marks


@pytest.mark.found("E197")
@pytest.mark.rule("8")
async def test_the_mark_of_a_role_that_lives_under_another_name_is_written_over_by_nobody(
    bench: Bench,
) -> None:
    """Whoever takes the name waits until the mark has moved; so does a role that is renamed."""
    assert all(one.done for one in await bench.apply(create("a"), create("c")))
    marks = await bench.marks()
    await bench.database.execute("ALTER ROLE a RENAME TO b")
    results = await bench.apply(create("a"), RenameRole("c", "a", HOLDER))
    assert [(one.done, one.sqlstate) for one in results] == [(False, "40001"), (False, "23505")]
    assert await bench.marks() == marks
    moved = RenameRole("b", "b", HOLDER, marked_as="a")
    assert all(one.done for one in await bench.apply(moved, create("a")))
    assert (await bench.marks())["b"].role_oid == marks["a"].role_oid


@pytest.mark.rule("10")
async def test_an_adopted_role_is_marked_as_adopted(bench: Bench) -> None:
    await bench.database.execute("CREATE ROLE old")
    [result] = await bench.apply(AdoptRole("old", HOLDER))
    assert result.done
    assert (await bench.marks())["old"].origin == "adopted"


@pytest.mark.rule("21")
async def test_a_refused_role_change_hides_no_other_and_leaves_no_mark(bench: Bench) -> None:
    await bench.database.execute("CREATE ROLE there")
    results = await bench.apply(create("a"), create("there"), create("b"), create("c"))
    assert [result.done for result in results] == [True, False, True, True]
    assert results[1].sqlstate == "42710"
    assert "adopt" in results[1].way_out
    assert set(await bench.marks()) == {"a", "b", "c"}


@pytest.mark.rule("21")
@pytest.mark.every_version
async def test_a_refused_grantee_hides_neither_the_others_nor_other_objects(
    bench: Bench,
) -> None:
    await bench.apply(create("a"), create("b"))
    objects = await bench.objects("schema1.flights", "schema2.crews")
    [result] = await bench.apply(grant(objects, "a", "ghost", "b"))
    assert not result.done
    assert result.sqlstate == "42704"
    assert [(part.objects, part.grantees) for part in result.remaining] == [  # type: ignore[union-attr]
        (objects, ("ghost",))
    ]
    for role in ("a", "b"):
        for table in ("schema1.flights", "schema2.crews"):
            assert await bench.can_select(role, table)


async def test_a_table_that_was_dropped_meanwhile_is_no_error(bench: Bench) -> None:
    await bench.apply(create("a"))
    await bench.database.execute("CREATE TABLE schema1.passing (i int)")
    objects = await bench.objects("schema1.flights", "schema1.passing", "schema2.crews")
    await bench.database.execute("DROP TABLE schema1.passing")
    [result] = await bench.apply(grant(objects, "a"))
    assert result.done
    assert await bench.can_select("a", "schema1.flights")
    assert await bench.can_select("a", "schema2.crews")


@pytest.mark.rule("22")
async def test_what_a_revoke_takes_along_is_given_back_in_the_same_transaction(
    bench: Bench,
) -> None:
    await bench.apply(create("a"))
    [table] = await bench.objects("schema1.flights")
    await bench.database.execute("GRANT SELECT, SELECT (flight_id), UPDATE ON schema1.flights TO a")
    back = GrantPrivileges(
        "mydb",
        ObjectKind.COLUMN,
        (table,),
        SELECT,
        ("a", "ghost"),
        columns=("flight_id",),
        effect=Effect.NARROW,
    )
    results = await bench.apply(revoke((table,), "a", "ghost"), back)
    assert not results[0].done
    assert not results[1].done
    acl = await bench.look.fetchrow(
        "SELECT xmin::text AS changed, (SELECT c.xmin::text FROM pg_class AS c WHERE c.oid = "
        "attrelid) AS revoked, attacl::text AS acl FROM pg_attribute "
        "WHERE attrelid = 'schema1.flights'::regclass AND attname = 'flight_id'"
    )
    assert acl is not None
    assert "a=r" in acl["acl"]
    assert acl["changed"] == acl["revoked"]
    assert not await bench.can_select("a", "schema1.flights")


async def test_a_revoke_whose_give_back_is_refused_is_not_done(bench: Bench) -> None:
    await bench.apply(create("a"))
    [table] = await bench.objects("schema1.flights")
    await bench.database.execute("GRANT SELECT ON schema1.flights TO a")
    back = GrantPrivileges(
        "mydb",
        ObjectKind.COLUMN,
        (table,),
        frozenset({"DELETE"}),
        ("a",),
        columns=("flight_id",),
        effect=Effect.NARROW,
    )
    results = await bench.apply(revoke((table,), "a"), back)
    assert [result.done for result in results] == [False, False]
    assert results[1].is_for_good
    assert await bench.can_select("a", "schema1.flights")


@pytest.mark.every_version
async def test_what_another_grantor_gave_is_taken_as_that_grantor(bench: Bench) -> None:
    await bench.apply(create("giver"), create("a"))
    await bench.database.execute(
        "GRANT USAGE ON SCHEMA schema1 TO giver;"
        "GRANT SELECT ON schema1.flights TO giver WITH GRANT OPTION;"
        "SET ROLE giver; GRANT SELECT ON schema1.flights TO a"
    )
    objects = await bench.objects("schema1.flights")
    [result] = await bench.apply(revoke(objects, "a", grantor="giver"))
    assert result.done, result
    assert not await bench.can_select("a", "schema1.flights")
    assert await bench.can_select("giver", "schema1.flights")


@pytest.mark.rule("23")
@pytest.mark.every_version
async def test_every_kind_of_relation_is_granted_under_its_lock(bench: Bench) -> None:
    await bench.apply(create("a"))
    await bench.database.execute(
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
        "CREATE FOREIGN TABLE schema1.far (i int) SERVER s;"
        "CREATE VIEW schema1.seen AS SELECT 1 AS i;"
        "CREATE MATERIALIZED VIEW schema1.kept AS SELECT 1 AS i;"
        "CREATE TABLE schema1.parted (i int) PARTITION BY RANGE (i);"
    )
    names = [f"schema1.{n}" for n in ("far", "seen", "kept", "parted", "flights")]
    [result] = await bench.apply(grant(await bench.objects(*names), "a"))
    assert result.done, result
    for name in names:
        assert await bench.can_select("a", name)


@pytest.mark.rule("23")
async def test_a_table_that_somebody_holds_is_reported_and_the_others_are_done(
    bench: Bench,
) -> None:
    await bench.apply(create("a"))
    objects = await bench.objects("schema1.flights", "schema2.crews")
    async with bench.look.transaction():
        await bench.look.execute("LOCK TABLE schema1.flights IN ACCESS EXCLUSIVE MODE")
        [result] = await bench.apply(grant(objects, "a"))
    assert result.sqlstate == "55P03"
    assert await bench.can_select("a", "schema2.crews")
    [result] = await bench.apply(grant(objects, "a"))
    assert result.done


async def test_a_backend_killed_in_the_middle_is_not_noticed_in_the_result(
    bench: Bench,
) -> None:
    await bench.apply(create("a"))
    objects = await bench.objects("schema1.flights")
    async with bench.connections.use("mydb") as connection:
        pid = connection.get_server_pid()
    async with bench.look.transaction():
        await bench.look.execute("LOCK TABLE schema1.flights IN ACCESS EXCLUSIVE MODE")
        applying = asyncio.create_task(bench.apply(grant(objects, "a")))
        while not await bench.look.fetchval(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)", pid
        ):
            await asyncio.sleep(0.001)
        await bench.look.execute("SELECT pg_terminate_backend($1)", pid)
    [result] = await applying
    assert result.done, result
    assert await bench.can_select("a", "schema1.flights")


@pytest.mark.rule("6")
async def test_nothing_is_written_once_the_lock_is_lost(bench: Bench) -> None:
    def lost() -> None:
        raise LockLost

    with pytest.raises(LockLost):
        await bench.apply(create("a"), before_write=lost)
    assert not await bench.look.fetchval("SELECT FROM pg_roles WHERE rolname = 'a'")


@pytest.mark.rule("24")
@pytest.mark.every_version
async def test_sessions_of_a_role_end_and_no_others(bench: Bench) -> None:
    await bench.database.execute("CREATE ROLE goes LOGIN PASSWORD 'x'")
    goes = await bench.database.connect("goes", "x")
    stays = await bench.database.connect("app_owner")
    [result] = await bench.apply(EndSessions("goes", "a test"))
    assert result.done, result
    assert not await bench.look.fetchval(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)", goes.get_server_pid()
    )
    assert await stays.fetchval("SELECT 1") == 1


@pytest.mark.rule("24")
async def test_a_superuser_ends_the_sessions_of_superusers_and_never_its_own(bench: Bench) -> None:
    await bench.database.execute("CREATE ROLE mighty LOGIN SUPERUSER PASSWORD 'x'")
    mighty = await bench.database.connect("mighty", "x")
    other, own = await bench.apply(
        EndSessions("mighty", "a test"), EndSessions("my-admin", "a test")
    )
    assert other.done, other
    assert not await bench.look.fetchval(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)", mighty.get_server_pid()
    )
    assert "own admin" in own.message
    assert await bench.look.fetchval("SELECT 1") == 1


@pytest.mark.rule("27")
@pytest.mark.every_version
async def test_what_a_leaver_owns_is_handed_on_object_by_object(bench: Bench) -> None:
    await bench.apply(create("leaver"), create("heir"))
    await bench.database.execute(
        """GRANT CREATE ON DATABASE mydb TO leaver, heir; SET ROLE leaver;
        CREATE SCHEMA theirs; SET search_path = theirs;
        CREATE TABLE t (i serial, k int GENERATED ALWAYS AS IDENTITY);
        CREATE TABLE p (i int) PARTITION BY RANGE (i);
        CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9);
        CREATE VIEW v AS SELECT * FROM t; CREATE MATERIALIZED VIEW m AS SELECT 1 AS x;
        CREATE SEQUENCE s; CREATE INDEX ON t (i);
        CREATE TYPE mood AS ENUM ('good'); CREATE TYPE pair AS (a int, b int);
        CREATE DOMAIN small AS int; CREATE STATISTICS st ON i, k FROM t;
        CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE PROCEDURE pr() LANGUAGE sql AS 'SELECT 1';
        CREATE AGGREGATE ag(int) (SFUNC = int4pl, STYPE = int, INITCOND = 0);
        ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO heir"""
    )
    [handed, dropped] = await bench.apply(HandOnOwned("mydb", "leaver", "heir"), DropRole("leaver"))
    assert handed.done, handed
    assert dropped.done, dropped
    assert not await bench.look.fetchval("SELECT FROM pg_roles WHERE rolname = 'leaver'")
    assert "leaver" not in await bench.marks()
    for name in ("t", "p", "p1", "v", "m", "s", "t_i_seq", "t_k_seq"):
        owner = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = $1::text::regclass"
        assert await bench.look.fetchval(owner, f"theirs.{name}") == "heir", name


@pytest.mark.rule("27")
async def test_code_is_not_handed_to_a_superuser(bench: Bench) -> None:
    await bench.apply(create("leaver"))
    await bench.database.execute(
        """CREATE ROLE mighty SUPERUSER;
        GRANT CREATE ON SCHEMA schema1 TO leaver; SET ROLE leaver;
        CREATE TABLE schema1.plain (i int);
        CREATE FUNCTION schema1.trap() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"""
    )
    [result] = await bench.apply(HandOnOwned("mydb", "leaver", "mighty"))
    assert not result.done
    assert "schema1.trap" in result.message
    owners = await bench.look.fetchrow(
        "SELECT pg_get_userbyid((SELECT relowner FROM pg_class WHERE relname = 'plain')) AS t, "
        "pg_get_userbyid((SELECT proowner FROM pg_proc WHERE proname = 'trap')) AS f"
    )
    assert owners is not None
    assert (owners["t"], owners["f"]) == ("mighty", "leaver")


@pytest.mark.rule("27")
async def test_a_role_that_owns_something_anywhere_is_not_dropped(bench: Bench) -> None:
    await bench.apply(create("leaver"))
    await bench.database.execute(
        "GRANT CREATE ON SCHEMA schema1 TO leaver; SET ROLE leaver; "
        "CREATE TABLE schema1.precious (i int)"
    )
    [result] = await bench.apply(DropRole("leaver"))
    assert result.sqlstate == "2BP01"
    assert "mydb" in result.message
    assert "reassignOwnedTo" in result.way_out
    assert await bench.look.fetchval("SELECT count(*) FROM schema1.precious") == 0
    assert "leaver" in await bench.marks()


@pytest.mark.rule("27")
@pytest.mark.every_version
async def test_what_a_leaver_granted_to_others_stays(bench: Bench) -> None:
    await bench.apply(create("leaver"), create("friend"), create("group"), create("fellow"))
    await bench.database.execute(
        """GRANT USAGE ON SCHEMA schema1 TO leaver WITH GRANT OPTION;
        GRANT SELECT ON schema1.flights TO leaver WITH GRANT OPTION;
        GRANT SELECT (flight_id) ON schema2.crews TO leaver WITH GRANT OPTION;
        GRANT USAGE ON SCHEMA schema2 TO leaver;
        GRANT "group" TO leaver WITH ADMIN OPTION;
        CREATE FUNCTION schema1.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
        REVOKE EXECUTE ON FUNCTION schema1.f FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION schema1.f TO leaver WITH GRANT OPTION;
        SET ROLE leaver; GRANT USAGE ON SCHEMA schema1 TO friend;
        GRANT SELECT ON schema1.flights TO friend WITH GRANT OPTION;
        GRANT SELECT (flight_id) ON schema2.crews TO friend;
        GRANT EXECUTE ON FUNCTION schema1.f TO friend; GRANT "group" TO fellow;
        SET ROLE friend; GRANT SELECT ON schema1.flights TO fellow"""
    )
    [result] = await bench.apply(DropRole("leaver"))
    assert result.done, result
    assert await bench.can_select("friend", "schema1.flights")
    assert await bench.can_select("fellow", "schema1.flights")
    for question in (
        "SELECT has_schema_privilege('friend', 'schema1', 'USAGE')",
        "SELECT has_column_privilege('friend', 'schema2.crews', 'flight_id', 'SELECT')",
        "SELECT has_function_privilege('friend', 'schema1.f(int)', 'EXECUTE')",
        "SELECT pg_has_role('fellow', 'group', 'MEMBER')",
    ):
        assert await bench.look.fetchval(question), question


@pytest.mark.found("E274")
@pytest.mark.versions(18)
async def test_a_run_ends_where_somebody_paused_a_role_between_two_transactions(
    bench: Bench,
) -> None:
    """Schemas go one by one; what is left is for the next look."""
    await bench.apply(create("viewer"))
    rows = await bench.look.fetch(
        "SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('schema1', 'schema2') ORDER BY oid"
    )
    schemas = tuple(ObjectRef(int(r["oid"]), None, r["nspname"], "", "app_owner") for r in rows)
    grant = GrantPrivileges("mydb", ObjectKind.SCHEMA, schemas, frozenset({"USAGE"}), ("viewer",))

    async def may_go_on() -> bool:
        return False

    (done,) = await bench.apply(grant, may_go_on=may_go_on)
    assert not done.done
    assert done.sqlstate == "55P03"
    assert "paused meanwhile" in done.message
    (left,) = done.remaining
    assert isinstance(left, GrantPrivileges)
    assert left.objects == schemas[1:]
    asked = "SELECT has_schema_privilege('viewer', $1::oid, 'USAGE')"
    assert [await bench.look.fetchval(asked, one.oid) for one in schemas] == [True, False]
