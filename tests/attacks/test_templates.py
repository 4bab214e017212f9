"""A template is never served: its copies would carry the triggers (B18)."""

from __future__ import annotations

from pathlib import Path

import pytest

from regent.foundation import founded
from regent.server.connect import TemplateServed
from regent.settings import connector_of
from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.settings import settings_for

STRAY = 'GRANT DELETE ON schema1.flights TO "mydb-viewer"'
MAY_DELETE = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'DELETE')"


@pytest.mark.found("B18")
@pytest.mark.every_version
async def test_a_template_is_refused_and_served_once_it_is_none(database: Database) -> None:
    settings = settings_for(database)
    connector = connector_of(settings.server)
    await database.execute("ALTER DATABASE mydb IS_TEMPLATE true")
    with pytest.raises(TemplateServed, match="mydb"):
        async with founded(settings, connector):
            pass
    await database.execute("ALTER DATABASE mydb IS_TEMPLATE false")
    async with founded(settings, connector) as stand:
        assert stand.lock.is_held


@pytest.mark.found("B18")
async def test_a_template_beside_others_stops_none_of_them(
    database: Database, tmp_path: Path
) -> None:
    """It is told as unread, with the way out; copies are made of it, and carry no triggers."""
    await database.execute("CREATE DATABASE pattern IS_TEMPLATE true")
    settings = settings_for(database).model_copy(update={"databases": ("mydb", "pattern")})
    spec = {"databaseName": "mydb", "additionalDatabases": ["pattern"]}
    async with running(settings, tmp_path) as regent:
        await regent.push(state(REFERENCE, regent=spec))
        status = await regent.settled(1)
        assert "ALTER DATABASE .. IS_TEMPLATE false" in status["unread"]["pattern"]
        await database.execute(STRAY)
        look = await database.connect()

        async def is_corrected() -> bool:
            return not await look.fetchval(MAY_DELETE)

        await eventually(is_corrected)
        await look.execute("CREATE DATABASE copy TEMPLATE pattern")
        copy = await database.server.connect("copy")
        assert not await copy.fetchval("SELECT count(*) FROM pg_event_trigger")
        await copy.close()
        await look.execute("ALTER DATABASE pattern IS_TEMPLATE false")

        async def is_served() -> bool:
            return "pattern" not in (await regent.status())["unread"]

        await eventually(is_served)
