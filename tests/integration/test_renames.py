"""A rename keeps the role, in whatever order the old resource goes and the new one comes."""

from __future__ import annotations

import pytest

from regent.changes import RenameRole
from regent.one_shot import apply_once, plan_once
from regent.plan.describe import describe
from shared import scram
from tests.declared import state
from tests.integration.facts.once import all_ready, applied, is_settled, outcome
from tests.postgres.database import Database
from tests.settings import settings_for

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


@pytest.mark.rule("7")
@pytest.mark.found("A9")
@pytest.mark.every_version
async def test_a_rename_says_before_that_it_clears_an_md5_password_and_sets_a_managed_one_again(
    database: Database,
) -> None:
    """PostgreSQL says it in a NOTICE alone."""
    users = (
        "User/a: {{database: mydb, userName: {}, passwordSecretRef: {{name: s, key: a}}}}\n"
        "User/b: {{database: mydb, userName: {}}}\n"
    )
    secret = {"User/a": {"verifier": scram.build("the same").value}}
    await applied(database, users.format("a1", "b1"), passwords=secret)
    look = await database.connect()
    await look.execute(
        "SET password_encryption = md5; ALTER ROLE a1 PASSWORD 'old'; ALTER ROLE b1 PASSWORD 'old'"
    )
    declared = state(users.format("a2", "b2"), passwords=secret, revision=2)
    planned = await plan_once(settings_for(database), declared)
    said = {
        change.new_name: describe(change)
        for change in planned.plan.changes
        if isinstance(change, RenameRole)
    }
    assert "md5" not in said["a2"]
    assert "clears its md5 password" in said["b2"]
    assert any("passwordSecretRef" in note for note in outcome(planned, "User/b").notes)
    assert outcome(planned, "User/a").notes == ()
    assert all_ready(await apply_once(settings_for(database), declared))
    again = await database.connect("a2", "the same")
    assert await again.fetchval("SELECT current_user") == "a2"
    assert not (await plan_once(settings_for(database), declared)).plan.changes


@pytest.mark.rule("27")
@pytest.mark.found("E106")
async def test_what_a_leaver_owns_goes_to_an_heir_that_is_renamed_in_the_same_push(
    database: Database,
) -> None:
    await applied(
        database, PERMISSION + OLD + KEEPER + "User/gone: {database: mydb, reassignOwnedTo: old}\n"
    )
    await database.execute("CREATE TABLE schema1.t (i int); ALTER TABLE schema1.t OWNER TO gone")
    report = await applied(database, PERMISSION + NEW + KEEPER, 2)
    assert all(one.done for one in report.results)
    look = await database.connect()
    owner = "SELECT tableowner FROM pg_tables WHERE tablename = 't'"
    assert await look.fetchval(owner) == "new"
