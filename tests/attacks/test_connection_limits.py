"""Which of three limits refused the Regent is said, with what to change (B19)."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from regent.server.connect import CannotConnectError
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
