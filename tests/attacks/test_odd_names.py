"""Who may make an object may give it a name that is not UTF-8: that object alone is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from regent.server.lenient_text import shown
from regent.server.trouble import CANNOT_BE_SENT
from shared.json_text import json_text
from shared.outcomes import Candidate
from tests.attacks.test_home_database import connector_of
from tests.daemons import running
from tests.declared import state
from tests.eventually import eventually
from tests.integration.test_names_not_utf8 import BAD, ascii_database, run
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = pytest.mark.found("E3")
REGENT: dict[str, Any] = {"additionalDatabases": ["ascii"], "brake": {"mode": "Disabled"}}
STAYING = """
Permission/p: {database: ascii, schemas: [public], actions: [USAGE, CREATE]}
Role/heir: {database: ascii, permissions: [p]}
Role/keeper: {database: mydb}
"""
LEAVERS = """
Role/coder: {database: ascii, permissions: [p], reassignOwnedTo: heir}
Role/owning: {database: ascii, permissions: [p], reassignOwnedTo: heir}
Role/granting: {database: ascii, permissions: [p], reassignOwnedTo: heir}
Role/zz-other: {database: mydb, reassignOwnedTo: heir}
"""
ODD = {
    "coder": "CREATE FUNCTION public.%I() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "owning": "CREATE TABLE public.%I (x int)",
}
VIEW = "'view' || chr(255)"
DRIFT = "SELECT has_database_privilege('keeper', 'mydb', 'CREATE')"
LEFT = (
    "SELECT array_agg(rolname::text ORDER BY rolname::text) FROM pg_roles"
    " WHERE rolname IN ('coder', 'owning', 'granting', 'zz-other')"
)


async def made(connection: asyncpg.Connection, statement: str, name: str = BAD) -> None:
    """Run a statement with %I for the odd name, as whoever the session is."""
    quoted = statement.replace("'", "''")
    await run(connection, f"format('{quoted}', {name})")


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_what_a_leaver_left_under_such_a_name_stops_nothing_else(
    database: Database, tmp_path: Path
) -> None:
    """Function, table and grant: each stays with its leaver and is told; all others are dropped."""
    look = await database.connect()
    inside = await ascii_database(database)
    settings = settings_for(database).model_copy(update={"databases": ("mydb", "ascii")})
    async with running(settings, tmp_path) as regent:
        await regent.push(state(STAYING + LEAVERS, regent=REGENT))
        await regent.settled(1)
        for role, statement in ODD.items():
            await inside.execute(f"SET ROLE {role}; CREATE TABLE public.of_{role} (x int)")
            await made(inside, statement)
            await inside.execute("RESET ROLE")
        await made(inside, "CREATE VIEW public.%I AS SELECT 1", VIEW)
        await made(inside, "GRANT SELECT ON public.%I TO granting WITH GRANT OPTION", VIEW)
        await inside.execute("SET ROLE granting")
        await made(inside, "GRANT SELECT ON public.%I TO keeper", VIEW)
        await inside.execute("RESET ROLE")
        pushed = state(STAYING, regent=REGENT).model_copy(update={"revision": 2})
        await regent.push(pushed)
        said = await regent.settled(2)
        assert await look.fetchval(LEFT) == ["coder", "granting", "owning"]
        told = {one["role"]: one["message"] for one in said["leftovers"]}
        assert set(told) == {"coder", "granting", "owning"}
        assert "not UTF-8" in " ".join(told.values())
        assert await inside.fetchval(
            "SELECT count(*) = 2 FROM pg_class WHERE relname LIKE 'of\\_%'"
            " AND relowner = 'heir'::regrole"
        )
        assert await inside.fetchval(
            "SELECT count(*) = 1 FROM pg_class, aclexplode(relacl) AS a WHERE relkind = 'v'"
            " AND a.grantee = 'keeper'::regrole"
        )
        await look.execute("GRANT CREATE ON DATABASE mydb TO keeper")

        async def is_corrected() -> bool:
            return not await look.fetchval(DRIFT)

        await eventually(is_corrected)
        assert (await regent.status()).get("observing", "") == ""
        assert "pass failed" not in regent.log
        assert "not connected" not in regent.log
    await inside.close()


async def test_a_grant_on_the_detector_to_such_a_role_stops_no_pass(
    database: Database, tmp_path: Path
) -> None:
    look = await database.connect()
    inside = await ascii_database(database)
    settings = settings_for(database).model_copy(update={"databases": ("mydb", "ascii")})
    async with running(settings, tmp_path) as regent:
        await regent.push(state(STAYING, regent=REGENT))
        await regent.settled(1)
        await made(inside, "GRANT USAGE ON SCHEMA postgregent TO %I")
        await look.execute("GRANT CREATE ON DATABASE mydb TO keeper")

        async def is_corrected() -> bool:
            return not await look.fetchval(DRIFT)

        await eventually(is_corrected)
        assert "pass failed" not in regent.log
        assert "not connected" not in regent.log
    await inside.close()


async def test_what_cannot_be_sent_is_refused_and_the_connection_goes_on(
    database: Database,
) -> None:
    connection = await connector_of(database.server).connect("mydb", purpose="work")
    texts: tuple[tuple[str, tuple[object, ...]], ...] = (
        ("SELECT '\udcff'", ()),
        ("SELECT $1::text", ("\udcff",)),
        ("SELECT $1::text[]", (["\udcff"],)),
    )
    for query, args in texts:
        for send in (connection.execute, connection.fetch, connection.fetchval):
            with pytest.raises(asyncpg.CharacterNotInRepertoireError):
                await send(query, *args)
    with pytest.raises(CANNOT_BE_SENT):
        await connection.fetchval("SELECT $1::int", "no number")
    assert await connection.fetchval("SELECT 'é'") == "é"
    await connection.close()


def test_a_text_is_legible_where_it_is_told() -> None:
    assert shown("odd\udcff") == "odd\\xff"
    assert json_text(Candidate(role="odd\udcff"), exclude_none=True) == '{"role":"odd?"}'
    assert json_text(Candidate(role="é"), exclude_none=True) == '{"role":"é"}'
