"""The words that stand for a name which is not UTF-8 are nobody's name (rule 21)."""

from __future__ import annotations

import pytest

from regent.server.lenient_text import PLACEHOLDER
from tests.integration.facts.once import all_ready, applied, outcome
from tests.integration.test_names_not_utf8 import BAD, ascii_database, run
from tests.postgres.database import Database

DECLARED = "User/u: {database: mydb}\n"
MAX_BYTES = 63


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.found("E164")
@pytest.mark.rule("21")
async def test_what_such_a_role_passed_on_is_told_and_nobody_else_is_asked(
    database: Database,
) -> None:
    """Seen: the words were sent as the grantor's name, cut to one that anybody could have."""
    await applied(database, DECLARED)
    look, inside = await database.connect(), await ascii_database(database)
    await look.execute(f'CREATE ROLE "{PLACEHOLDER[:MAX_BYTES]}"')
    await run(inside, f"format('GRANT CREATE ON DATABASE mydb TO %I WITH GRANT OPTION', {BAD})")
    await inside.execute(
        f"DO $$ BEGIN EXECUTE format('SET LOCAL ROLE %I', {BAD});"
        " GRANT CREATE ON DATABASE mydb TO u; END $$"
    )
    report = await applied(database, DECLARED, 2)
    said = outcome(report, "User/u")
    assert said.reason == "NotManageable", said
    assert "Rename what has a name that is not UTF-8" in said.message
    assert "does not exist" not in said.message
    assert not [one for one in report.results if one.done]
    # The twin: renamed, it is one grantor like any other.
    await run(inside, f"format('ALTER ROLE %I RENAME TO even', {BAD})")
    assert all_ready(await applied(database, DECLARED, 3))
    assert not await look.fetchval("SELECT has_database_privilege('u', 'mydb', 'CREATE')")
    await inside.close()
