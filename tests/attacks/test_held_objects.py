"""Whoever holds some objects in an open transaction keeps no other one from being corrected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from regent.apply.locked import LockedError, Patience, look_for
from regent.changes import HandOnOwned, RevokePrivileges
from regent.kinds import Address
from tests.daemons import running
from tests.declared import state
from tests.eventually import eventually
from tests.integration.test_apply import Bench, bench, create, grant, revoke
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer
from tests.settings import settings_for

__all__ = ["bench"]

TABLES = 40
DECLARED = """
Permission/connect: {database: mydb, actions: [CONNECT]}
Permission/read: {database: mydb, schemas: [schema1], actions: [SELECT], tables: ["*"]}
Role/viewer: {database: mydb, permissions: [connect, read]}
User/good: {roles: [viewer]}
"""
NAMES = ", ".join(f"schema2.t{n}" for n in range(TABLES))


async def _make_tables(database: Database) -> None:
    tables = ";".join(f"CREATE TABLE schema2.t{n} (a int)" for n in range(TABLES))
    await database.execute(f"SET ROLE app_owner; {tables}")


@pytest.mark.found("E66")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_what_nobody_holds_is_corrected_beside_forty_held_tables(
    database: Database, tmp_path: Path
) -> None:
    """The attack: the rows are held again the moment that the stray grants are committed."""
    await _make_tables(database)
    admin, owner = await database.connect(), await database.connect("app_owner")
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(DECLARED))
        await regent.settled(1)
        await owner.execute(
            f"BEGIN; GRANT SELECT ON {NAMES} TO good; COMMIT AND CHAIN;"
            f"GRANT SELECT ON {NAMES} TO PUBLIC"
        )
        pid = owner.get_server_pid()

        async def is_told() -> bool:
            status = await regent.status()
            said = [one for one in status["resources"] if one["resource"] == "User/default/good"]
            return (
                status["outstandingDrift"] > 0
                and said[0]["state"] == "Reconciling"
                and f"held by pid {pid} (app_owner" in said[0]["message"]
                and f"pg_terminate_backend({pid})" in said[0]["message"]
            )

        await eventually(is_told)
        await database.execute("GRANT DELETE ON schema1.flights TO viewer", "app_owner")

        async def only_what_is_free_is_corrected() -> bool:
            found = await regent.drifts(2)
            told = {"DELETE" in one["what"]: "correctedAt" in one for one in found}
            return told == {True: True, False: False}

        await eventually(only_what_is_free_is_corrected)
        assert await _may(admin, "good", "schema2.t1", "SELECT")
        await owner.execute("ROLLBACK")

        async def is_over() -> bool:
            outstanding: int = (await regent.status())["outstandingDrift"]
            return outstanding == 0

        await eventually(is_over)
        assert not await _may(admin, "good", "schema2.t1", "SELECT")


async def _may(look: asyncpg.Connection, role: str, table: str, privilege: str) -> bool:
    has: bool = await look.fetchval(
        "SELECT has_table_privilege($1, $2, $3)", role, table, privilege
    )
    return has


@pytest.mark.found("E66")
async def test_what_is_done_while_a_pass_waits_is_told_as_well(
    database: Database, tmp_path: Path
) -> None:
    """It is seen by a later look of the same pass, and was corrected without a word."""
    await _make_tables(database)
    admin, owner = await database.connect(), await database.connect("app_owner")
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(DECLARED))
        await regent.settled(1)
        await owner.execute(
            f"BEGIN; GRANT SELECT ON {NAMES} TO good; COMMIT AND CHAIN;"
            f"GRANT SELECT ON {NAMES} TO PUBLIC"
        )

        async def it_waits() -> bool:
            waits: bool = await admin.fetchval(
                "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity AS a USING (pid)"
                " WHERE NOT granted AND a.application_name = 'postgregent/work')"
            )
            return waits

        await eventually(it_waits)
        await database.execute("GRANT DELETE ON schema1.flights TO viewer", "app_owner")
        await owner.execute("ROLLBACK")
        found = await regent.drifts(2)
        [deed] = [one for one in found if "DELETE" in one["what"]]
        assert deed["actor"]["sessionUser"] == "app_owner", deed
        assert not await _may(admin, "viewer", "schema1.flights", "DELETE")


HOLDS = {
    "a row": f"GRANT SELECT ON {NAMES} TO PUBLIC",
    "a row, by a subtransaction": f"SAVEPOINT s; GRANT SELECT ON {NAMES} TO PUBLIC; RELEASE s",
    "a column": f"GRANT SELECT (a) ON {NAMES} TO PUBLIC",
    "a lock": f"LOCK TABLE {NAMES} IN ACCESS EXCLUSIVE MODE",
}


@pytest.mark.found("E66")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.parametrize("how", HOLDS)
async def test_of_many_objects_those_that_nobody_holds_are_done_and_the_holder_is_named(
    bench: Bench, how: str
) -> None:
    await _make_tables(bench.database)
    held = await bench.objects(*(f"schema2.t{n}" for n in range(TABLES)))
    free = await bench.objects("schema1.flights", "schema2.crews")
    await bench.apply(create("a"), grant((*held, *free), "a"))
    await bench.database.execute(f"GRANT SELECT (a) ON {NAMES} TO a")
    owner = await bench.database.connect("app_owner")
    await owner.execute(f"BEGIN; {HOLDS[how]}")
    [result] = await bench.apply(revoke((*held, *free), "a"))
    assert result.sqlstate == "55P03"
    left = [part for part in result.remaining if isinstance(part, RevokePrivileges)]
    assert {one.oid for part in left for one in part.objects} == {one.oid for one in held}
    assert f"held by pid {owner.get_server_pid()} (app_owner" in result.message
    assert not await bench.can_select("a", "schema1.flights")
    await owner.execute("ROLLBACK")
    [result] = await bench.apply(revoke((*held, *free), "a"))
    assert result.done, result
    assert not await bench.can_select("a", "schema2.t1")


@pytest.mark.found("E66")
async def test_what_is_handed_on_is_waited_for_no_longer_than_the_pass_may_wait(
    bench: Bench,
) -> None:
    """A reader in an open transaction is enough to hold it."""
    tables = ";".join(f"CREATE TABLE schema2.t{n} (a int)" for n in range(TABLES))
    await bench.database.execute(
        "CREATE ROLE leaver; CREATE ROLE heir; GRANT ALL ON SCHEMA schema2 TO leaver, heir;"
        f"SET ROLE leaver; {tables}; CREATE TABLE schema2.free (a int)"
    )
    reader, patience = await bench.database.connect(), Patience()
    await reader.execute(f"BEGIN; LOCK TABLE {NAMES} IN ACCESS SHARE MODE")
    [result] = await bench.apply(HandOnOwned("mydb", "leaver", "heir"), patience=patience)
    assert result.message.startswith(f'{TABLES} objects of "leaver"'), result
    assert patience.is_over
    await reader.execute("ROLLBACK")
    [result] = await bench.apply(HandOnOwned("mydb", "leaver", "heir"))
    assert result.done, result


@pytest.mark.found("E66")
async def test_a_prepared_transaction_that_holds_an_object_is_named(
    launch_server: Callable[..., PostgresServer],
) -> None:
    """It has no session that one could end."""
    server = launch_server(max_prepared_transactions="5")
    admin = await server.connect()
    try:
        await admin.execute("CREATE TABLE t (i int)")
        await admin.execute("BEGIN; GRANT SELECT ON t TO PUBLIC; PREPARE TRANSACTION 'it''s'")
        table = Address("pg_class", await admin.fetchval("SELECT 't'::regclass::oid"))
        held = await look_for(admin, [table], [])
    finally:
        await admin.close()
    error = LockedError(held.holders_of([table], []))
    assert str(error) == """It is held by the prepared transaction "it's"."""
    assert error.way_out.endswith("ROLLBACK PREPARED 'it''s' (or commit it).")
