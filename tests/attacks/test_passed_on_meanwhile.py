"""Who passes on what is just being taken from him does not keep it by that (rule 21)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.daemons import running
from tests.declared import state
from tests.eventually import eventually
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = [pytest.mark.found("E160"), pytest.mark.rule("21")]


@dataclass(frozen=True, slots=True)
class Case:
    """What u had, how u passes it on, and how it is asked whether u still has it."""

    had: str
    passes_on: str
    still: str
    regent: str = ""


TABLE = Case(
    "permissions: [read]",
    "GRANT SELECT ON schema1.flights TO x1",
    "SELECT has_table_privilege('u', 'schema1.flights', 'SELECT')",
)
PARAMETER = Case(
    "permissions: [set]",
    "GRANT SET ON PARAMETER log_statement TO x1",
    "SELECT has_parameter_privilege('u', 'log_statement', 'SET')",
)
MEMBERSHIP = Case(
    "memberOf: [{role: g1, admin: true}]",
    "GRANT g1 TO x1",
    "SELECT pg_has_role('u', 'g1', 'MEMBER')",
)
DECLARED = """
Permission/read:
  {database: mydb, schemas: [schema1], tables: [flights], actions: [SELECT], withGrantOption: true}
Permission/set: {database: mydb, parameters: [log_statement], actions: [SET], withGrantOption: true}
Role/g1: {database: mydb}
User/u: {database: mydb%s}
"""
ALLOWED = {"allow": {"parameters": ["log_statement"]}}


@pytest.mark.versions(14, 15, 16, 17, 18)
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.parametrize("case", [TABLE, PARAMETER, MEMBERSHIP], ids=["table", "parameter", "role"])
async def test_what_is_passed_on_while_it_is_taken_goes_all_the_same(
    database: Database, tmp_path: Path, case: Case
) -> None:
    """Seen: 2BP01 was remembered for an hour as needing a person, and u kept everything."""
    if case is PARAMETER and database.server.version < 15:
        pytest.skip("parameters have ACLs from 15 on")
    look, holder = await database.connect(), await database.connect()
    await look.execute("CREATE ROLE x1")
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(DECLARED % f", {case.had}", regent=ALLOWED))
        await regent.settled(1)
        assert await look.fetchval(case.still), "the twin: it was given"
        await holder.execute(f"SET ROLE u; BEGIN; {case.passes_on}")
        await regent.push(state(DECLARED % "", regent=ALLOWED, revision=2))

        async def is_over() -> bool:
            """Whoever waits for u is let go on; on 14 and 15 no membership waits."""
            if await look.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))",
                holder.get_server_pid(),
            ):
                await holder.execute("COMMIT")
            return not await look.fetchval(case.still)

        await eventually(is_over)
        await holder.execute("ROLLBACK")
        await regent.settled(2)
        assert not await look.fetchval(case.still)
