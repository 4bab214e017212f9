"""Who is deleted, and whose role has no mark: his access goes on, which the status says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.daemons import Regent, running
from tests.declared import state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.settings import settings_for

USERS = "".join(f"User/{name}: {{database: mydb}}\n" for name in ("stays", "ann", "bob"))
STAYS = "User/stays: {database: mydb}"
GONE = ("User/default/ann", "User/default/bob")


async def told(regent: Regent) -> dict[str, str]:
    """By resource, why what is told of it is told."""
    resources = (await regent.status())["resources"]
    return {one["resource"]: one["reason"] for one in resources}


async def left(regent: Regent) -> list[str]:
    """The roles of the leftovers."""
    status: dict[str, Any] = await regent.status()
    return [one["role"] for one in status["leftovers"]]


@pytest.mark.rule("27", "28a")
@pytest.mark.found("E283")
@pytest.mark.versions(18)
async def test_a_deleted_user_whose_mark_is_lost_is_told_until_nobody_logs_in_by_its_role(
    database: Database, tmp_path: Path
) -> None:
    """As after an older copy of the home database; the twin has its mark, and just ends."""
    look = await database.connect()
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(USERS))
        await regent.settled(1)
        home = await database.server.connect("postgregent")
        await home.execute("DELETE FROM postgregent.marks WHERE role = 'ann'")
        await home.close()
        for revision in (2, 3):  # what one pass says, the next one says too
            await regent.push(state(STAYS, deleted=GONE, revision=revision))
            await regent.settled(revision)

            async def is_told() -> bool:
                found = await told(regent)
                return found == {"User/default/stays": "Applied", GONE[0]: "ExistsUnmanaged"}

            await eventually(is_told)
            assert await left(regent) == ["ann"]
        assert not await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = 'bob'")

        await look.execute("ALTER ROLE ann NOLOGIN")
        await regent.push(state(STAYS, deleted=GONE, revision=4))
        await regent.settled(4)

        async def is_over() -> bool:
            return set(await told(regent)) == {"User/default/stays"} and not await left(regent)

        await eventually(is_over)
