"""What the server refuses for good is tried once and then said, however many share it (B14)."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.daemons import running
from tests.declared import state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.settings import settings_for

DECLARED = """
Permission/read: {database: mydb, schemas: [schema1], tables: ["*"], actions: [SELECT]}
Role/one: {database: mydb, permissions: [read]}
Role/two: {database: mydb, permissions: [read]}
"""
MAY_READ = "SELECT has_table_privilege('two', 'schema1.not_ours', 'SELECT')"


@pytest.mark.found("B14")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_a_refusal_that_two_grantees_share_is_asked_once_and_then_said(
    database: Database, tmp_path: Path
) -> None:
    await database.execute(
        "CREATE ROLE small LOGIN CREATEROLE CREATEDB PASSWORD 'x'; GRANT app_owner TO small;"
        "CREATE TABLE schema1.not_ours (i int)"
    )
    settings = settings_for(database)
    server = settings.server.model_copy(
        update={"admin_user": "small", "admin_password": SecretStr("x")}
    )
    settings = settings.model_copy(update={"server": server})
    look = await database.connect()
    async with running(settings, tmp_path) as regent:
        await regent.push(state(DECLARED, regent={"adminUser": "small"}))
        status = await regent.settled(1)
        said = {one["resource"]: one for one in status["resources"]}
        assert said["Permission/default/read"]["reason"] == "NotManageable"
        tried = database.server.log_of_this_test().count("permission denied for table not_ours")
        for number in range(5):
            await regent.ask("POST", "/v1/reconcile")
            await look.execute(f"GRANT DELETE ON schema1.flights TO {('one', 'two')[number % 2]}")
            await regent.drifts(number + 1)
        again = database.server.log_of_this_test().count("permission denied for table not_ours")
        assert again == tried
        # The right is given, and the next push asks again.
        await look.execute("ALTER TABLE schema1.not_ours OWNER TO app_owner")
        await regent.push(state(DECLARED, regent={"adminUser": "small"}, revision=2))

        async def may_read() -> bool:
            return bool(await look.fetchval(MAY_READ))

        await eventually(may_read)
