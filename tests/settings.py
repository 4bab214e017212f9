"""Settings of a Regent for a test's database."""

from __future__ import annotations

from regent.settings import RegentSettings, ServerSettings
from tests.postgres.clusters import ADMIN
from tests.postgres.database import Database


def settings_for(database: Database, *, name: str = "my-regent") -> RegentSettings:
    """One Regent that serves this database as its server's admin."""
    return RegentSettings(
        namespace="default",
        name=name,
        server=ServerSettings(
            host="127.0.0.1",
            port=database.server.port,
            admin_user=ADMIN,
            admin_password=database.server.password,
        ),
        databases=(database.name,),
    )
