"""Access for a time ends at its time, also for a session that prepared for it (rule 24)."""

from __future__ import annotations

import asyncpg
import pytest

from tests.declared import REFERENCE
from tests.integration.facts.once import all_ready, applied, demote, is_settled, outcome
from tests.postgres.database import Database

pytestmark = [pytest.mark.found("E30"), pytest.mark.rule("24")]
ACCESS = "User/u: {{database: mydb, access: [{{role: mydb-viewer, until: {}, reason: it}}]}}\n"
STAYING = "User/other: {database: mydb, roles: [mydb-viewer]}\n"
LATER, PAST = "2099-01-01T00:00:00Z", "2020-01-01T00:00:00Z"
PASSWORD = "correct horse"
LOOK = "SELECT count(*) FROM schema1.flights"


async def given(database: Database) -> None:
    await applied(database, REFERENCE + STAYING + ACCESS.format(LATER))
    for name in ("u", "other"):
        await database.execute(f"ALTER ROLE {name} PASSWORD '{PASSWORD}'")


@pytest.mark.every_version
async def test_a_session_in_set_role_does_not_outlive_the_access(database: Database) -> None:
    """And a twin that has the Role for good keeps its session."""
    await given(database)
    attacker = await database.connect("u", PASSWORD)
    await attacker.execute('SET ROLE "mydb-viewer"')
    assert await attacker.fetchval(LOOK) is not None
    other = await database.connect("other", PASSWORD)
    await other.execute('SET ROLE "mydb-viewer"')
    over = REFERENCE + STAYING + ACCESS.format(PAST)
    assert all_ready(await applied(database, over, revision=2))
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
        await attacker.fetchval(LOOK)
    assert await other.fetchval(LOOK) is not None
    assert await is_settled(database, over, revision=2)
    again = await database.connect("u", PASSWORD)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await again.execute('SET ROLE "mydb-viewer"')


@pytest.mark.versions(18)
async def test_sessions_that_could_not_be_ended_are_ended_by_a_later_pass(
    database: Database,
) -> None:
    """The membership is gone by then: that they must end is remembered."""
    await demote(database)
    await given(database)
    attacker = await database.connect("u", PASSWORD)
    await attacker.execute('SET ROLE "mydb-viewer"')
    over = REFERENCE + STAYING + ACCESS.format(PAST)
    superuser = await database.connect("postgres")
    await superuser.execute('REVOKE u FROM "my-admin"')
    first = await applied(database, over, revision=2)
    assert "may not end the sessions" in outcome(first, "User/u").message
    assert not await superuser.fetchval("SELECT pg_has_role('u', 'mydb-viewer', 'MEMBER')")
    assert await attacker.fetchval("SELECT current_user") == "mydb-viewer"
    await superuser.execute('ALTER ROLE "my-admin" SUPERUSER')
    assert outcome(await applied(database, over, revision=2), "User/u").is_ready
    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
        await attacker.fetchval("SELECT current_user")
