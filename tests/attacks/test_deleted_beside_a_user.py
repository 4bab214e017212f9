"""A Role that is deleted beside the User of its name is one deletion, and never waits (rule 20)."""

from __future__ import annotations

import pytest

from tests.declared import REFERENCE
from tests.integration.facts.once import applied
from tests.postgres.database import Database

DELETE = "SELECT has_table_privilege('flights-admin', 'schema1.flights', 'DELETE')"
LOGIN = "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'flights-admin'"


@pytest.mark.rule("20")
@pytest.mark.found("E281")
@pytest.mark.parametrize("is_deleted", [True, False])
async def test_a_role_that_is_deleted_beside_its_user_waits_for_nobody(
    database: Database, is_deleted: bool
) -> None:
    """What it gave goes, and the User goes on. An edit that takes as much waits for a release."""
    role = next(x for x in REFERENCE.splitlines() if x.startswith("Role/flights-admin"))
    left = "" if is_deleted else "Role/flights-admin: {database: mydb}"
    gone = ("Role/default/flights-admin",) if is_deleted else ()
    await applied(database, REFERENCE)
    look = await database.connect()
    text = REFERENCE.replace(role, left)
    report = await applied(database, text, revision=2, deleted=gone)
    assert await look.fetchval(LOGIN)
    assert (report.brake is None) is is_deleted
    assert await look.fetchval(DELETE) is not is_deleted
