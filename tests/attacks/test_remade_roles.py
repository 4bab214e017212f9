"""A role that somebody made under the name of one of ours is another role (rules 8, 10 and 27)."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from regent.apply.run import apply
from regent.changes import AdoptRole, AlterRole, Change, DropRole, Effect, GrantMembership, Plan
from regent.foundation import founded
from regent.inspect import inspect_server
from regent.settings import connector_of
from shared import scram
from shared.keys import ResourceKey
from tests.integration.facts.once import applied, outcome
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = [pytest.mark.every_version, pytest.mark.found("E24")]
USER = "User/y: {database: mydb, passwordSecretRef: {name: s, key: k}}\n"
KEEPER = "User/keeper: {database: mydb}\n"
ALLOW: dict[str, Any] = {"allow": {"adopt": []}}


def _with(password: str) -> dict[str, dict[str, Any]]:
    return {"User/y": {"verifier": scram.build(password).value}}


async def _logs_in(database: Database, password: str) -> bool:
    try:
        await database.connect("y", password)
    except asyncpg.InvalidPasswordError:
        return False
    return True


async def test_a_superuser_that_was_made_anew_is_not_taken_over(database: Database) -> None:
    await applied(database, KEEPER + USER, 1, regent=ALLOW, passwords=_with("one"))
    await database.execute("DROP ROLE y; CREATE ROLE y SUPERUSER LOGIN PASSWORD 'theirs'")
    report = await applied(database, KEEPER + USER, 2, regent=ALLOW, passwords=_with("two"))
    assert outcome(report, "User/y").reason == "NotAllowed"
    assert await _logs_in(database, "theirs")
    assert not await _logs_in(database, "two")


async def test_a_role_made_anew_gets_its_password_after_it_has_lost_what_it_had(
    database: Database,
) -> None:
    """The twin: a dropped and recreated role of ours is ours again, and in that order."""
    await applied(database, KEEPER + USER, 1, regent=ALLOW, passwords=_with("one"))
    await database.execute(
        "DROP ROLE y; CREATE ROLE dba SUPERUSER; CREATE ROLE y LOGIN PASSWORD 'theirs';"
        " GRANT dba TO y"
    )
    holds = await database.connect()
    await holds.execute("BEGIN; REVOKE dba FROM y")
    await applied(database, KEEPER + USER, 2, regent=ALLOW, passwords=_with("two"))
    assert not await _logs_in(database, "two")
    await holds.execute("COMMIT")
    report = await applied(database, KEEPER + USER, 3, regent=ALLOW, passwords=_with("two"))
    assert outcome(report, "User/y").state == "Ready"
    assert await _logs_in(database, "two")


async def test_what_somebody_else_made_is_not_dropped_with_the_resource(database: Database) -> None:
    owner = "User/y: {database: mydb, reassignOwnedTo: keeper}\n"
    await applied(database, KEEPER + owner, 1)
    await database.execute(
        "DROP ROLE y; CREATE ROLE y CREATEDB;"
        " CREATE TABLE public.theirs (); ALTER TABLE public.theirs OWNER TO y"
    )
    await applied(database, KEEPER, 2)
    connection = await database.connect()
    assert (
        await connection.fetchval(
            "SELECT r.rolname::text FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner"
            " WHERE c.relname = 'theirs'"
        )
        == "y"
    )


async def test_a_role_that_was_renamed_ends_with_its_resource_beside_an_impostor(
    database: Database,
) -> None:
    await applied(database, KEEPER + USER, 1, passwords=_with("one"))
    await database.execute("ALTER ROLE y RENAME TO y_old; CREATE ROLE y LOGIN")
    report = await applied(database, KEEPER + USER, 2, passwords=_with("one"))
    assert outcome(report, "User/y").reason == "ExistsUnmanaged"
    await applied(database, KEEPER, 3)
    connection = await database.connect()
    left = await connection.fetch("SELECT rolname::text FROM pg_roles WHERE rolname ~ '^y'")
    assert [row["rolname"] for row in left] == ["y"]


NOW = "SELECT rolsuper, rolcanlogin, rolcreatedb FROM pg_roles WHERE rolname = 'victim'"


@pytest.mark.found("E268")
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.parametrize(
    "change",
    [
        AlterRole("victim", Effect.WIDEN, createdb=True),
        AdoptRole("victim", ResourceKey("User", "default", "victim")),
        GrantMembership("victim", "keeper"),
        DropRole("victim"),
    ],
)
@pytest.mark.parametrize("is_swapped", [True, False])
async def test_nothing_is_committed_of_a_role_that_was_made_anew_since_the_look(
    database: Database, change: Change, is_swapped: bool
) -> None:
    """A change names a role, and means the one that was looked at (ADR 40)."""
    await database.execute("CREATE ROLE victim; CREATE ROLE keeper")
    settings = settings_for(database)
    async with founded(settings, connector_of(settings.server)) as stand:
        async with stand.connections.use("mydb") as connection:
            server = await inspect_server(connection)
        if is_swapped:
            await database.execute("DROP ROLE victim; CREATE ROLE victim SUPERUSER LOGIN")
        (done,) = await apply(
            Plan((change,)), server=server, connections=stand.connections, home=stand.home
        )
        marks = {one.role for one in await stand.home.marks()}
    look = await database.connect()
    members = (
        await look.fetchval(
            "SELECT count(*) FROM pg_auth_members WHERE roleid = 'victim'::regrole"
            " AND member = 'keeper'::regrole"
        )
        if is_swapped
        else 0
    )
    assert done.done is not is_swapped, done
    if is_swapped:
        assert done.sqlstate == "40001"
        assert tuple(await look.fetchrow(NOW) or ()) == (True, True, False)
        assert members == 0
        assert "victim" not in marks
