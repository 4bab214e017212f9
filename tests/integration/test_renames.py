"""A rename keeps the role, in whatever order the old resource goes and the new one comes."""

from __future__ import annotations

import pytest

from tests.integration.facts.once import all_ready, applied, is_settled, outcome
from tests.postgres.database import Database

PERMISSION = (
    "Permission/read: {database: mydb, schemas: [schema1], tables: [flights], actions: [SELECT]}\n"
)
OLD = "Role/old: {database: mydb, permissions: [read]}\n"
NEW = "Role/new: {database: mydb, permissions: [read], renamedFrom: old}\n"
KEEPER = "User/keeper: {database: mydb}\n"


@pytest.mark.rule("7")
@pytest.mark.found("A7")
async def test_a_rename_that_is_applied_before_the_old_one_is_pruned_keeps_the_role(
    database: Database,
) -> None:
    """Its oid, its grants and its members, which it has all the time."""
    ann = "User/ann: {{roles: [{}]}}\n"
    await applied(database, PERMISSION + OLD + ann.format("old") + KEEPER)
    look = await database.connect()
    oid = await look.fetchval("SELECT oid FROM pg_roles WHERE rolname = 'old'")
    may = "SELECT has_table_privilege('ann', 'schema1.flights', 'SELECT')"
    report = await applied(database, PERMISSION + OLD + NEW + ann.format("new") + KEEPER, 2)
    assert outcome(report, "Role/new").reason == "WaitingForRename"
    assert not await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = 'new'")
    assert await look.fetchval(may)
    after = PERMISSION + NEW + ann.format("new") + KEEPER
    report = await applied(database, after, 3)
    assert all_ready(report)
    assert await look.fetchval("SELECT oid FROM pg_roles WHERE rolname = 'new'") == oid
    assert await look.fetchval(may)
    assert await is_settled(database, after, 3)
