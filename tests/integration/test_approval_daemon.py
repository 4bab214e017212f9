"""A Regent's process while what is declared anew waits for a person (rule 20a)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.daemons import Regent, running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.settings import settings_for

MANUAL = {"approval": "Manual"}
ROLES = "SELECT count(*) FROM pg_roles WHERE rolname = ANY($1)"
HOLDS = "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', $1)"
LOGS_IN = "SELECT rolcanlogin FROM pg_roles WHERE rolname = $1"
NEWCOMER = "User/newcomer: {database: mydb, roles: [mydb-viewer]}\n"
LEFT = REFERENCE.replace("User/summer-intern-2: {roles: [mydb-viewer]}\n", "")


async def waiting(regent: Regent, revision: int, but: str = "") -> dict[str, Any]:
    """What waits of this push, once a pass has looked at it; its digest is another than `but`."""
    found: dict[str, Any] = {}

    async def is_asked() -> bool:
        status = await regent.status()
        approval = status.get("approval") or {}
        found.update(approval)
        is_seen = status.get("looked") and status.get("appliedRevision") == revision
        return bool(is_seen and approval["digest"] not in ("", but))

    await eventually(is_asked)
    return found


async def approve(regent: Regent, digest: str) -> int:
    answer = await regent.ask("POST", "/v1/approval", json={"digest": digest})
    return answer.status_code


async def reasons(regent: Regent) -> dict[str, str]:
    status = await regent.status()
    return {one["resource"].rpartition("/")[2]: one["reason"] for one in status["resources"]}


@pytest.mark.rule("20a", "30")
@pytest.mark.found("E295", "E298")
@pytest.mark.versions(18)
async def test_a_regent_keeps_what_was_approved_while_a_push_waits_and_over_its_own_death(
    database: Database, tmp_path: Path
) -> None:
    """The intern leaves, and goes on until somebody approves that; a drift is corrected before."""
    look = await database.connect()
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE, regent=MANUAL))
        first = await waiting(regent, 1)
        assert set((await reasons(regent)).values()) == {"AwaitingApproval"}
        assert await look.fetchval(ROLES, ["mydb-viewer"]) == 0
        assert await approve(regent, "another") == 409
        assert await approve(regent, first["digest"]) == 202

        async def all_are_applied() -> bool:
            status = await regent.status()
            said = {one["reason"] for one in status["resources"]}
            return said == {"Applied"} and not status["approval"]["waiting"]

        await eventually(all_are_applied)
        assert await approve(regent, first["digest"]) == 409, "a digest is good once"

        await regent.push(state(LEFT, revision=2, regent=MANUAL))
        leaving = await waiting(regent, 2)
        assert leaving["deleted"] == ["User/default/summer-intern-2"]
        assert set((await reasons(regent)).values()) == {"Applied"}, "of what is deleted, nothing"
        await database.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')
        await database.execute('REVOKE SELECT ON schema1.flights FROM "mydb-viewer"')

        async def it_is_corrected() -> bool:
            return not await look.fetchval(HOLDS, "DELETE") and await look.fetchval(HOLDS, "SELECT")

        await eventually(it_is_corrected)
        assert await look.fetchval(LOGS_IN, "summer-intern-2")
        assert (await waiting(regent, 2))["digest"] == leaving["digest"], "drift is no other plan"

        regent.kill()
        await database.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')
        regent.start()
        await regent.ready()
        await eventually(it_is_corrected)
        assert (await waiting(regent, 2))["digest"] == leaving["digest"]
        assert await look.fetchval(LOGS_IN, "summer-intern-2")

        await regent.push(state(LEFT + NEWCOMER, revision=3, regent=MANUAL))
        await approve(regent, leaving["digest"])  # of what was shown, and not of what waits now
        both = await waiting(regent, 3, but=leaving["digest"])
        assert await look.fetchval(ROLES, ["newcomer", "summer-intern-2"]) == 1
        assert await approve(regent, both["digest"]) == 202
        await eventually(all_are_applied)
        assert await look.fetchval(ROLES, ["newcomer"]) == 1
        assert await look.fetchval(ROLES, ["summer-intern-2"]) == 0
        body = (await regent.ask("POST", "/v1/plan")).json()
        assert not body["changes"]
        assert not body["approval"]["waiting"]
        await database.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')
        await eventually(it_is_corrected)
    await look.close()
