"""Settings that somebody gave to a database, to the admin or to the owner role (finding B17)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from regent.detect.install import DetectorDoesNotHold, damage, install
from regent.server.session_settings import IN_THE_PACKET, SINCE
from tests.attacks.test_home_database import connector_of, open_home
from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = [pytest.mark.found("B17"), pytest.mark.every_version]
STRAY = 'GRANT DELETE ON schema1.flights TO "mydb-viewer"'
MAY_DELETE = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'DELETE')"
HOSTILE = {
    "role": "mallory",
    "search_path": "hostile",
    "lock_timeout": "1ms",
    "statement_timeout": "1ms",
    "idle_session_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "transaction_timeout": "1ms",
    "tcp_user_timeout": "1ms",
    "exit_on_error": "on",
    "local_preload_libraries": "no_such_library",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "check_function_bodies": "off",
    "createrole_self_grant": "set",
    "default_table_access_method": "no_such_method",
    "standard_conforming_strings": "off",
    "backslash_quote": "off",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "quote_all_identifiers": "on",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "iso_8601",
    "TimeZone": "Asia/Tokyo",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "client_encoding": "LATIN1",
    "client_min_messages": "error",
    "enable_indexscan": "off",
    "plan_cache_mode": "force_custom_plan",
    "plpgsql.extra_errors": "all",
    "session_replication_role": "replica",
    "lc_messages": "C.UTF-8",
    "event_triggers": "off",
    "synchronous_commit": "off",
}
PLACES = (
    'DATABASE "mydb"',
    'DATABASE "postgregent"',
    'ROLE "my-admin"',
    'ROLE "my-admin" IN DATABASE "mydb"',
    'ROLE "my-admin" IN DATABASE "postgregent"',
    'ROLE "postgregent_owner"',
)
KEPT = "SELECT pg_catalog.array_agg(s::text ORDER BY s::text) FROM pg_catalog.pg_db_role_setting s"


def hostile(place: str, major: int) -> Iterator[str]:
    """Every setting that this version knows, given in this place."""
    since = {"createrole_self_grant": 16, "transaction_timeout": 17, "event_triggers": 17}
    for name, value in HOSTILE.items():
        if major >= since.get(name, 14):
            quoted = f"'{value}'" if "," not in value else ", ".join(map(repr, value.split(", ")))
            yield f"ALTER {place} SET {name} = {quoted}"


async def make_hostile(look: asyncpg.Connection, major: int) -> None:
    await look.execute("SET check_function_bodies = off")
    for place in PLACES:
        for statement in hostile(place, major):
            await look.execute(statement)


async def mend(look: asyncpg.Connection) -> None:
    for place in PLACES:
        await look.execute(f"ALTER {place} RESET ALL")


async def test_they_reach_no_session_of_ours_wherever_they_were_given(database: Database) -> None:
    server = database.server
    look = await database.connect()
    await look.execute("CREATE ROLE mallory")
    await (await open_home(server)).close()
    await make_hostile(look, server.version)
    try:
        connector = connector_of(server)
        for name in ("mydb", "postgregent", "mydb"):
            connection = await connector.connect(name, purpose="work")
            for setting in HOSTILE:
                pinned = IN_THE_PACKET.get(setting) or SINCE.get(setting, ("", None))[1]
                if pinned is not None:
                    shown = await connection.fetchval(
                        "SELECT pg_catalog.current_setting($1, true)", setting
                    )
                    assert shown in (pinned, None), setting
            assert await connection.fetchval("SELECT current_user") == "my-admin"
            assert await connection.fetchval("SELECT 'é'::text") == "é"
            await connection.close()
        home = await open_home(server)
        await home.store_system_identifier("7")
        assert (await home.load()).system_identifier == "7"
        await home.close()
    finally:
        await mend(look)


@pytest.mark.slow_versions(14, 16, 17)
async def test_drift_is_corrected_under_all_of_them_and_nobodys_settings_are_changed(
    database: Database, tmp_path: Path
) -> None:
    look = await database.connect()
    await look.execute("CREATE ROLE mallory")
    await (await open_home(database.server)).close()
    await make_hostile(look, database.server.version)
    kept = await look.fetchval(KEPT)
    try:
        async with running(settings_for(database), tmp_path) as regent:
            await regent.push(state(REFERENCE))
            await regent.settled(1)

            async def is_corrected() -> bool:
                return not await look.fetchval(MAY_DELETE)

            await look.execute(STRAY)
            await eventually(is_corrected)
            whats = [one["what"] for one in await regent.drifts(1)]
            assert len(whats) == 1, whats
        # Twin: the application's sessions have what was given to them.
        assert await look.fetchval(KEPT) == kept
    finally:
        await mend(look)


async def test_a_repair_that_does_not_hold_is_undone_and_so_no_loop(database: Database) -> None:
    look = await database.connect()
    await look.execute("SET quote_all_identifiers = on")
    with pytest.raises(DetectorDoesNotHold):
        await install(look)
    assert not await look.fetchval("SELECT FROM pg_namespace WHERE nspname = 'postgregent'")
    await look.execute("SET quote_all_identifiers = off")
    assert (await install(look)).kind == "Triggers"
    assert not await damage(look)
