"""However many databases a Regent serves, its connections are few (B19)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemons import running
from tests.declared import state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer
from tests.settings import settings_for

COUNT = 24
MANY = 200
PATIENCE_SECONDS = 120.0
SECONDS_PER_DATABASE = 2.0
MOST = 20
OURS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'postgregent/%'"
MAY_CREATE = "SELECT has_schema_privilege('reader', 'public', 'CREATE')"


@pytest.mark.found("B19")
@pytest.mark.parametrize("number", [COUNT, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.versions(18)
async def test_any_number_of_databases_is_served_over_twenty_connections(
    launch_server: Callable[..., PostgresServer], tmp_path: Path, number: int
) -> None:
    """And drift is corrected in the last of them, whose triggers nobody LISTENs to."""
    server = launch_server()
    look = await server.connect()
    names = tuple(f"db{one:02}" for one in range(number))
    for name in names:
        await look.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    settings = settings_for(Database(server, names[0])).model_copy(update={"databases": names})
    declared = "\n".join(
        f"Permission/in-{name}: {{database: {name}, schemas: [public], actions: [USAGE]}}"
        for name in names
    )
    listed = ", ".join(f"in-{name}" for name in names)
    declared += f"\nRole/reader: {{database: db00, permissions: [{listed}]}}"
    most, patience = 0, PATIENCE_SECONDS + SECONDS_PER_DATABASE * number
    async with running(settings, tmp_path) as regent:
        regent_spec = {"databaseName": names[0], "additionalDatabases": list(names[1:])}
        await regent.push(state(declared, regent=regent_spec))

        async def is_applied() -> bool:
            nonlocal most
            most = max(most, await look.fetchval(OURS))
            return (await regent.status()).get("appliedRevision") == 1

        await eventually(is_applied, within_seconds=patience)
        for name in (names[0], names[-1]):
            intruder = await server.connect(name)
            await intruder.execute("GRANT CREATE ON SCHEMA public TO reader")

            async def is_corrected() -> bool:
                nonlocal most
                most = max(most, await look.fetchval(OURS))
                return not await intruder.fetchval(MAY_CREATE)  # noqa: B023 - awaited in this round

            await eventually(is_corrected, within_seconds=patience)
            await intruder.close()
    await look.close()
    assert 0 < most <= MOST
