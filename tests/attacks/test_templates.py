"""A template is never served: its copies would carry the triggers (B18)."""

from __future__ import annotations

import pytest

from regent.foundation import TemplateServed, standing
from regent.settings import connector_of
from tests.postgres.database import Database
from tests.settings import settings_for


@pytest.mark.found("B18")
@pytest.mark.every_version
async def test_a_template_is_refused_and_served_once_it_is_none(database: Database) -> None:
    settings = settings_for(database)
    connector = connector_of(settings.server)
    await database.execute("ALTER DATABASE mydb IS_TEMPLATE true")
    with pytest.raises(TemplateServed, match="mydb"):
        async with standing(settings, connector):
            pass
    await database.execute("ALTER DATABASE mydb IS_TEMPLATE false")
    async with standing(settings, connector) as stand:
        assert stand.lock.is_held
