"""Who did something is told though it was done where the triggers do not record it (rule 30)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemons import running
from tests.declared import state
from tests.postgres.database import Database
from tests.settings import settings_for

DECLARED = """
Permission/connect: {database: mydb, actions: [CONNECT]}
Permission/read: {database: mydb, schemas: [schema1], actions: [SELECT], tables: ["*"]}
Role/viewer: {database: mydb, permissions: [connect, read]}
"""
DEED = "GRANT DELETE ON schema1.flights TO viewer"
HIDDEN = {
    "beyond what is recorded of a transaction": (
        "BEGIN;" + "GRANT USAGE ON SCHEMA schema2 TO PUBLIC;" * 40 + f"{DEED}; COMMIT"
    ),
    "there, inside a subtransaction": (
        "BEGIN;" + "GRANT USAGE ON SCHEMA schema2 TO PUBLIC;" * 40
        + f"SAVEPOINT a; {DEED}; RELEASE a; COMMIT"
    ),
    "inside a subtransaction": f"BEGIN; SAVEPOINT a; {DEED}; RELEASE a; COMMIT",
}  # fmt: skip


@pytest.mark.found("E70")
@pytest.mark.parametrize("how", HIDDEN)
async def test_whoever_hides_a_grant_in_a_transaction_is_named(
    database: Database, tmp_path: Path, how: str
) -> None:
    """A targeted pass saw nothing of it, forgot the events, and the next one knew nobody."""
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(DECLARED))
        await regent.settled(1)
        await database.execute(HIDDEN[how], "app_owner")
        [drift] = await regent.drifts(1)
        assert "DELETE" in drift["what"]
        assert drift["actor"]["certainty"] == "Probable", drift["actor"]
        assert drift["actor"]["sessionUser"] == "app_owner"
