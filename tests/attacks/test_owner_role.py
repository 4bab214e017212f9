"""Somebody lets himself into the owner role of the home database while the Regent runs (rule 5).

Before 16 whoever has CREATEROLE may grant every role that is no superuser.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.integration.until import until
from tests.postgres.database import Database
from tests.settings import settings_for

STRAY = "SELECT has_table_privilege('mydb-viewer', 'schema1.airports', 'DELETE')"


@pytest.mark.found("E23")
@pytest.mark.versions(14, 15)
async def test_a_new_member_of_the_owner_role_is_told_and_nothing_is_written_meanwhile(
    database: Database, tmp_path: Path
) -> None:
    look = await database.connect()
    await look.execute("CREATE ROLE mallory LOGIN CREATEROLE PASSWORD 'x'")
    async with running(settings_for(database), tmp_path) as regent:
        assert (await regent.push(state(REFERENCE))).status_code == 202
        await regent.settled(1)
        mallory = await database.server.connect("mydb", "mallory", "x")
        await mallory.execute("GRANT postgregent_owner TO mallory")
        await mallory.close()

        async def told() -> bool:
            trouble: dict[str, Any] = (await regent.status()).get("trouble") or {}
            return trouble.get("reason") == "HomeDatabaseUnsafe"

        await until(told)
        assert "REVOKE postgregent_owner FROM mallory" in str((await regent.status())["trouble"])
        await look.execute('GRANT DELETE ON schema1.airports TO "mydb-viewer"')
        await look.execute("REVOKE postgregent_owner FROM mallory")

        async def corrected() -> bool:
            return not await look.fetchval(STRAY)

        await until(corrected)
