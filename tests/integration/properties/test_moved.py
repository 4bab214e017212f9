"""Nobody is without what both states declare while objects move to their schema's owner."""

from __future__ import annotations

import pytest

from regent.foundation import founded
from regent.settings import connector_of
from shared.privileges import ObjectKind
from tests.integration.properties.looking import SETUP, Bystander
from tests.integration.properties.test_properties import Bench, in_force, watch
from tests.integration.properties.world import OWN, Grantee, Permit, World
from tests.postgres.database import flights
from tests.postgres.reset import reset
from tests.postgres.server import PostgresServer
from tests.settings import settings_for

pytestmark = [
    pytest.mark.found("E305"),
    pytest.mark.rule("22", "23"),
    pytest.mark.every_version,
    pytest.mark.slow_versions(14, 16, 17),
]

LOG = "SET ROLE app_owner; CREATE TABLE own_1.log (id serial, no int GENERATED ALWAYS AS IDENTITY)"
ALL = tuple(
    Permit(kind, {"schemas": ("own_*",), listed: ("*",)}, words, grantable, implied=False)
    for kind, listed, words, grantable in (
        (ObjectKind.TABLE, "tables", ("ALL",), True),
        (ObjectKind.SEQUENCE, "sequences", ("SELECT", "USAGE"), False),
        (ObjectKind.TYPE, "types", ("USAGE",), False),
    )
)
ITEMS = Permit(
    ObjectKind.COLUMN,
    {"schemas": ("own_*",), "tables": ("*",), "columns": ("item",)},
    ("SELECT", "UPDATE"),
    grantable=False,
    implied=False,
)


def world(owner: str, *of_r1: int, of_r2: tuple[int, ...] = ()) -> World:
    return World(
        (*ALL, ITEMS),
        (Grantee("r1", of_r1), Grantee("r2", of_r2)),
        dict.fromkeys(OWN, (owner, True)),
    )


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param(world("r1"), world("r2", 0, 1, 2, 3), id="former"),
        pytest.param(world("r1", of_r2=(0, 1, 2, 3)), world("r2"), id="new"),
        pytest.param(world("r1", 0, 3, of_r2=(0, 3)), world("r2", 0, 3, of_r2=(0, 3)), id="both"),
    ],
)
async def test_what_both_states_declare_is_there_at_every_moment(
    server: PostgresServer, first: World, then: World
) -> None:
    """The former owner's by a declaration, the new one's as it owns it. Back again, too."""
    await reset(server)
    async with flights(server) as database:
        look = await database.connect()
        await look.execute(SETUP)
        bystander = Bystander(database.dsn(), server.version)
        try:
            configured = settings_for(database)
            async with founded(configured, connector_of(configured.server)) as stand:
                watch(stand, bystander)
                bench = Bench(server.version, stand, look, bystander, configured)
                await bench.do([LOG])
                for each in (first, then, first):
                    await in_force(bench, each)
        finally:
            bystander.close()
