"""A membership that is turned around holds as declared after one pass (rule 22)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.integration.facts.once import all_ready, applied, is_settled
from tests.postgres.database import Database

pytestmark = [
    pytest.mark.every_version,
    pytest.mark.slow_versions(14, 16, 17),
    pytest.mark.found("E162"),
    pytest.mark.rule("22"),
]

MEMBERS = "SELECT roleid::regrole::text, member::regrole::text FROM pg_auth_members WHERE {}"
OURS = MEMBERS.format("roleid::regrole::text ~ '^g[0-9]' AND member::regrole::text ~ '^g[0-9]'")


def chain(*names: str) -> str:
    """Each is a member of the next one."""
    lines = [
        f"Role/{name}: {{database: mydb, memberOf: [{{role: {group}}}]}}\n"
        for name, group in pairwise(names)
    ]
    return "".join(lines) + f"Role/{names[-1]}: {{database: mydb}}\n"


async def test_a_membership_is_turned_around_by_a_push_and_by_drift(database: Database) -> None:
    """Seen: the GRANT was refused before the REVOKE made room, and both were lost for an hour."""
    look = await database.connect()
    await applied(database, chain("g1", "g2"))
    report = await applied(database, chain("g2", "g1"), 2)
    assert all_ready(report), report.outcomes
    assert [one for one in report.results if not one.done] == []
    await look.execute("REVOKE g1 FROM g2; GRANT g2 TO g1")
    report = await applied(database, chain("g2", "g1"), 2)
    assert all_ready(report), report.outcomes
    assert [tuple(row) for row in await look.fetch(OURS)] == [("g1", "g2")]
    assert await is_settled(database, chain("g2", "g1"), 2)


async def test_a_longer_chain_is_turned_around_too(database: Database) -> None:
    look = await database.connect()
    await applied(database, chain("g1", "g2", "g3", "g4"))
    report = await applied(database, chain("g4", "g3", "g1", "g2"), 2)
    assert all_ready(report), report.outcomes
    found = {tuple(row) for row in await look.fetch(OURS)}
    assert found == {("g3", "g4"), ("g1", "g3"), ("g2", "g1")}
