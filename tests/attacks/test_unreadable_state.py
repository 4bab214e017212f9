"""What is stored about a Regent does not parse: it stays up, says so and writes nothing."""

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


@pytest.mark.found("E21")
@pytest.mark.versions(18)
@pytest.mark.parametrize("column", ["accepted", "brake"])
async def test_a_stored_state_that_does_not_parse_is_told_and_mended_by_what_is_said(
    database: Database, tmp_path: Path, column: str
) -> None:
    settings = settings_for(database)
    look = await database.connect()
    async with running(settings, tmp_path) as regent:
        assert (await regent.push(state(REFERENCE))).status_code == 202
        await regent.settled(1)
        regent.stop()
        home = await database.server.connect("postgregent")
        keep = await home.fetchval(f"SELECT {column}::text FROM postgregent.regents")
        await home.execute(
            f"""UPDATE postgregent.regents SET {column} = '{{"odd": "hush-hush"}}'"""
        )
        await look.execute('GRANT DELETE ON schema1.airports TO "mydb-viewer"')
        regent.start()

        async def told() -> bool:
            trouble: dict[str, Any] = (await regent.status()).get("trouble") or {}
            return trouble.get("reason") == "HomeStateUnreadable"

        await until(told)
        trouble = (await regent.status())["trouble"]
        assert f"postgregent.regents.{column}" in trouble["message"]
        assert f"SET {column} = NULL" in str(trouble)
        assert "hush-hush" not in str(trouble) + regent.log
        assert await look.fetchval(STRAY)
        await home.execute(f"UPDATE postgregent.regents SET {column} = $1::jsonb", keep)
        await home.close()

        async def corrected() -> bool:
            return not await look.fetchval(STRAY)

        await until(corrected)
