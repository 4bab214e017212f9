"""Which of three limits refused the Regent is said, with what to change (B19)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from pydantic import SecretStr

from regent.server.connect import CannotConnectError
from regent.server.connections import Connections
from regent.settings import connector_of
from tests.postgres.database import Database
from tests.settings import settings_for


@pytest.mark.found("B19")
@pytest.mark.every_version
@pytest.mark.parametrize(
    ("limited", "said"),
    [
        ("ALTER ROLE small CONNECTION LIMIT 0", "CONNECTION LIMIT of adminUser"),
        ("ALTER DATABASE mydb CONNECTION LIMIT 0", "database's CONNECTION LIMIT"),
    ],
)
async def test_the_limit_that_refused_a_connection_is_named(
    database: Database, limited: str, said: str
) -> None:
    await database.execute("CREATE ROLE small LOGIN CREATEROLE PASSWORD 'x'")
    server = settings_for(database).server.model_copy(
        update={"admin_user": "small", "admin_password": SecretStr("x")}
    )
    connector = connector_of(server)
    await (await connector.connect(database.name, purpose="work")).close()
    await database.execute(limited)
    with pytest.raises(CannotConnectError) as refused:
        await connector.connect(database.name, purpose="work")
    assert refused.value.sqlstate == "53300"
    assert said in refused.value.way_out


@pytest.mark.found("B19")
@pytest.mark.every_version
async def test_a_refused_connection_is_told_with_limits_and_use(database: Database) -> None:
    await database.execute("CREATE ROLE small LOGIN CREATEROLE PASSWORD 'x' CONNECTION LIMIT 1")
    server = settings_for(database).server.model_copy(
        update={"admin_user": "small", "admin_password": SecretStr("x")}
    )
    connector = connector_of(server)
    first = await connector.connect("postgres", purpose="home")

    @asynccontextmanager
    async def lent() -> AsyncIterator[asyncpg.Connection]:
        yield first

    connections = Connections(connector, reader=lent)
    with pytest.raises(CannotConnectError, match="of 'small' 1, 1 in use") as refused:
        async with connections.use(database.name):
            pass
    assert "max_connections " in refused.value.message
    assert "of database" not in refused.value.message
    assert "CONNECTION LIMIT of adminUser" in refused.value.way_out
    await database.execute("ALTER ROLE small CONNECTION LIMIT 2")
    async with connections.use(database.name):
        pass
    await connections.close()
    await first.close()
