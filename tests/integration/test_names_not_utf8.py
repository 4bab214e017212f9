"""One name that is not UTF-8 hides no other, on any reading (finding B13)."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from regent.desired import SettingKey
from regent.inspect import Interest, inspect_database
from regent.inspect.reading import read_server
from regent.server.connect import Connector
from regent.server.connections import Connections
from regent.server.lenient_text import Renaming, is_legible, legible
from tests.attacks.test_home_database import connector_of
from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.integration.facts.once import applied
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = pytest.mark.found("B13")
BAD = "'odd' || chr(255)"
MAY_DELETE = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'DELETE')"


async def ascii_database(database: Database) -> asyncpg.Connection:
    """A database in which any byte may be in a name, and a role and a database that have one."""
    look = await database.connect()
    await look.execute(
        "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C' OWNER app_owner"
    )
    inside = await database.server.connect("ascii")
    await inside.execute("SET client_encoding = 'SQL_ASCII'")
    await run(inside, f"format('CREATE ROLE %I LOGIN', {BAD})")
    return inside


async def run(connection: asyncpg.Connection, *expressions: str) -> None:
    for expression in expressions:
        await connection.execute(f"DO $$ BEGIN EXECUTE {expression}; END $$")


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_drift_is_corrected_beside_roles_and_databases_with_such_names(
    database: Database, tmp_path: Path
) -> None:
    look = await database.connect()
    inside = await ascii_database(database)
    await inside.execute("CREATE ROLE good; CREATE ROLE other")
    for line in (
        "GRANT good TO %I", "GRANT %I TO other", "ALTER ROLE %I SET work_mem = 1000",
        "GRANT CREATE ON DATABASE mydb TO %I",
    ):  # fmt: skip
        await run(inside, f"format('{line}', {BAD})")
    name = await inside.fetchval(f"SELECT encode(convert_to({BAD}, 'SQL_ASCII'), 'hex')")
    assert name == "6f6464ff"
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)

        async def is_corrected() -> bool:
            return not await look.fetchval(MAY_DELETE)

        await look.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')
        await eventually(is_corrected)
        assert len(await regent.drifts(1)) == 1
        assert "1 roles left alone" in regent.log
    await inside.close()


async def test_of_one_database_only_what_has_such_a_name_is_left_alone(database: Database) -> None:
    inside = await ascii_database(database)
    await inside.execute("CREATE TABLE public.a (x int); CREATE TABLE public.b (y int)")
    for line in (
        "CREATE TABLE public.%I (z int)", "CREATE SCHEMA %I", "CREATE TABLE %1$I.%1$I (z int)",
        "ALTER TABLE public.b ADD COLUMN %I int", "GRANT SELECT (%I) ON public.b TO PUBLIC",
        "GRANT SELECT ON public.a TO %I", "ALTER TABLE public.b OWNER TO %I",
    ):  # fmt: skip
        await run(inside, f"format('{line}', {BAD})")
    await inside.execute("GRANT SELECT ON public.a TO app_owner; GRANT SELECT ON b TO app_owner")
    connection = await connector_of(database.server).connect("ascii", purpose="work")
    found = await inspect_database(connection, Interest())
    tables = {name: group for group in found.groups if group.schema for name in group.names}
    assert set(tables) == {"a", "b"}
    assert "app_owner" in {item.grantee for item in tables["a"].acl}
    assert "app_owner" in {item.grantee for item in tables["b"].acl}
    assert not is_legible("odd\udcff")
    assert tables["b"].owner == legible("odd\udcff")
    assert found.illegible
    assert "left alone" in found.illegible[0]
    # What was read so is never sent back.
    with pytest.raises((UnicodeEncodeError, asyncpg.DataError)):
        await connection.fetchval("SELECT $1::text", "odd\udcff")
    await connection.close()
    await inside.close()


@pytest.mark.found("E96")
async def test_a_setting_whose_value_is_not_utf8_is_one_all_the_same(database: Database) -> None:
    """What it says is legible, so it can be told and remembered; and it goes, as any other."""
    inside = await ascii_database(database)
    keeper = "Role/keeper: {database: mydb}\n"
    await applied(database, keeper)
    await run(inside, f"format('ALTER ROLE keeper SET myapp.tenant = %L', {BAD})")
    connections = Connections(connector_of(database.server))
    found = (await read_server(connections, "mydb")).roles["keeper"].settings
    assert found == {SettingKey(None, "myapp.tenant"): legible("odd\udcff")}
    await applied(database, keeper, 2)
    assert (await read_server(connections, "mydb")).roles["keeper"].settings == {}
    await connections.close()
    await inside.close()


async def test_in_a_database_that_recodes_names_only_ascii_roles_are_matched(
    database: Database,
) -> None:
    look = await database.connect()
    for statement in (
        'CREATE ROLE "é"',
        "CREATE ROLE plain",
        "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'",
    ):
        await look.execute(statement)
    inside = await database.server.connect("latin")
    await inside.execute('CREATE TABLE public."ü" (x int); GRANT SELECT ON public."ü" TO plain')
    await run(inside, "format('GRANT SELECT ON public.%I TO %I', chr(252), chr(195) || chr(169))")
    connector: Connector = connector_of(database.server)
    connection = await connector.connect("latin", purpose="work")
    found = await inspect_database(connection, Interest())
    (group,) = [one for one in found.groups if one.names == ("ü",)]
    assert {item.grantee for item in group.acl} == {"my-admin", "plain"}
    await connection.close()
    await inside.close()


def test_the_report_of_the_encoding_is_renamed_however_it_is_cut() -> None:
    def message(kind: bytes, body: bytes) -> bytes:
        return kind + (len(body) + 4).to_bytes(4, "big") + body

    said = (
        message(b"R", bytes(4))
        + message(b"S", b"client_encoding\0UTF8\0")
        + message(b"S", b"TimeZone\0UTC\0")
        + message(b"Z", b"I")
        + message(b"S", b"client_encoding\0UTF8\0")
    )
    expected = said.replace(
        message(b"S", b"client_encoding\0UTF8\0"),
        message(b"S", b"client_encoding\0postgregent_utf8\0"),
        1,
    )
    for size in (1, 3, 7, len(said)):
        renaming = Renaming()
        pieces = [said[at : at + size] for at in range(0, len(said), size)]
        assert b"".join(map(renaming.pass_on, pieces)) == expected


async def test_what_is_sent_arrives_as_it_is_however_long(database: Database) -> None:
    """asyncpg drops what a codec returns before it copies it: the codec keeps it alive."""
    connection = await connector_of(database.server).connect("mydb", purpose="work")
    texts = ["", "a", "é" * 7, "x" * 5_000_000, *(f"{number} ü" * 50 for number in range(2_000))]
    for text in texts[:8]:
        assert await connection.fetchval("SELECT $1::text", text) == text
    assert await connection.fetchval("SELECT $1::text[]", texts) == texts
    assert await connection.fetchval("SELECT ($1::jsonb) #>> '{}'", '"é"') == "é"
    await connection.close()
