"""The Regent as a process: detects, corrects, says who, and survives (issue: must show 4 and 7)."""

from __future__ import annotations

from pathlib import Path

from tests.daemons import running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.settings import settings_for


async def test_an_intruders_grant_is_taken_back_and_it_is_said_who_and_when(
    database: Database, tmp_path: Path
) -> None:
    """Break it, it is corrected, and the history has the session that did it."""
    async with running(settings_for(database), tmp_path) as regent:
        assert (await regent.push(state(REFERENCE))).status_code == 202
        status = await regent.settled(1)
        assert {r["reason"] for r in status["resources"]} == {"Applied"}, status
        intruder = await database.connect()
        await intruder.execute("SET application_name = 'intruder'")
        await intruder.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')

        async def is_gone() -> bool:
            may: bool = await intruder.fetchval(
                "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'DELETE')"
            )
            return not may

        await eventually(is_gone)
        drift = (await regent.drifts(1))[0]
        assert drift["actor"]["certainty"] == "Recorded"
        assert drift["actor"]["application"] == "intruder"
        assert drift["actor"]["pid"] == intruder.get_server_pid()
        assert drift["correctedAt"] >= drift["happenedAt"]
        assert "DELETE" in drift["what"]
        plan = (await regent.ask("POST", "/v1/plan")).json()
        assert plan.get("changes", []) == []
