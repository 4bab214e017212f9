"""Undeclared roles that would be spared by Disable, or keep it from being undone (rule 11)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.daemons import Regent, running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = pytest.mark.rule("11")
MAY_LOG_IN = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1"
DISABLE = {
    "unmanagedRoles": "Disable",
    "ignoreRoles": ["app_owner"],
    "brake": {"mode": "Disabled"},
    "resyncSeconds": 5,
}


@asynccontextmanager
async def disabling(database: Database, folder: Path) -> AsyncIterator[Regent]:
    """A Regent that disables whoever nobody declares."""
    async with running(settings_for(database), folder) as regent:
        await regent.push(state(REFERENCE, regent=DISABLE))
        await regent.settled(1)
        yield regent


async def may_log_in(database: Database, role: str) -> bool:
    look = await database.server.connect()
    try:
        return bool(await look.fetchval(MAY_LOG_IN, role))
    finally:
        await look.close()


async def put_out(database: Database, role: str) -> None:
    """Wait until it may not log in."""

    async def is_out() -> bool:
        return not await may_log_in(database, role)

    await eventually(is_out)


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_names_of_providers_and_tools_spare_nobody_who_only_took_them(
    database: Database, tmp_path: Path
) -> None:
    """Whoever may create roles may take such a name; what makes it real a superuser gives."""
    await database.execute("CREATE ROLE mallory LOGIN CREATEROLE PASSWORD 'm'")
    mallory = await database.connect("mallory", "m")
    for name in ("rdsadmin", "streaming_replica", "cnpg_pooler_pgbouncer"):
        await mallory.execute(f"CREATE ROLE {name} LOGIN")
    await database.execute(
        "CREATE ROLE replicator LOGIN REPLICATION; CREATE ROLE rewind_user LOGIN"
    )
    async with disabling(database, tmp_path) as regent:
        for name in ("rdsadmin", "streaming_replica", "cnpg_pooler_pgbouncer"):
            await put_out(database, name)
        # The twins: a tool that is really there, and an administrator who is connected.
        assert await may_log_in(database, "rewind_user")
        assert await may_log_in(database, "replicator")
        assert await may_log_in(database, "mallory")
        await mallory.execute("CREATE ROLE _crunchyrepl LOGIN")
        await regent.drifts(1)
        await put_out(database, "_crunchyrepl")
        await mallory.close()
        await regent.ask("POST", "/v1/reconcile")
        await put_out(database, "mallory")


@pytest.mark.versions(16, 18)
async def test_a_subscription_that_its_owner_makes_spares_him_not_while_it_is_not_enabled(
    database: Database, tmp_path: Path
) -> None:
    await database.execute(
        "CREATE ROLE eve LOGIN PASSWORD 'eve'; GRANT pg_create_subscription TO eve;"
        "GRANT CREATE ON DATABASE mydb TO eve"
    )
    eve = await database.connect("eve", "eve")
    await eve.execute(
        "CREATE SUBSCRIPTION spare_me CONNECTION 'host=127.0.0.1 port=1 password=x dbname=x'"
        " PUBLICATION p WITH (connect = false)"
    )
    try:
        async with disabling(database, tmp_path):
            await put_out(database, "eve")
    finally:
        await database.execute(
            "ALTER SUBSCRIPTION spare_me SET (slot_name = NONE); DROP SUBSCRIPTION spare_me"
        )


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_whoever_is_disabled_comes_back_by_no_session_no_friend_and_no_declaration(
    database: Database, tmp_path: Path
) -> None:
    """A friend with CREATEROLE gives LOGIN and a membership; a resource names the role."""
    await database.execute(
        "CREATE ROLE dba LOGIN CREATEROLE PASSWORD 'd'; CREATE ROLE eve LOGIN PASSWORD 'eve'"
    )
    if database.server.version >= 16:
        await database.execute("GRANT eve TO dba WITH ADMIN TRUE")
    friend = await database.connect("dba", "d")
    eve = await database.connect("eve", "eve")
    await eve.execute("NOTIFY postgregent; NOTIFY postgregent_change")
    async with disabling(database, tmp_path) as regent:
        assert not await may_log_in(database, "eve")
        await friend.execute("ALTER ROLE eve LOGIN PASSWORD 'new'")
        await regent.drifts(1)
        await put_out(database, "eve")
        # A User of another team that is refused: it keeps nobody disabled from being so.
        text = f"{REFERENCE}\nUser/eve: {{database: mydb}}"
        await regent.push(state(text, regent=DISABLE, revision=2))
        await regent.settled(2)
        assert not await may_log_in(database, "eve")


@pytest.mark.versions(18)
async def test_another_role_of_the_name_gets_no_login_by_the_undoing(
    database: Database, tmp_path: Path
) -> None:
    """It is the role that gets it back, by whatever name, and not the name."""
    await database.execute("CREATE ROLE eve LOGIN; CREATE ROLE bob LOGIN")
    async with disabling(database, tmp_path) as regent:
        await put_out(database, "eve")
        await database.execute(
            "DROP ROLE eve; CREATE ROLE eve NOLOGIN; ALTER ROLE bob RENAME TO robert"
        )
        await regent.push(state(REFERENCE, regent={"unmanagedRoles": "Ignore"}, revision=2))
        await regent.settled(2)
    assert not await may_log_in(database, "eve")
    assert await may_log_in(database, "robert")
