"""A role of which the Regent lists the name no more keeps what it has, and gains nothing."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from tests.integration.facts.once import all_ready, applied, outcome
from tests.postgres.database import Database

pytestmark = [pytest.mark.rule("3", "12"), pytest.mark.found("E201")]
PERMISSIONS = """
Permission/read: {database: mydb, schemas: [schema1], actions: [SELECT], tables: ["*"]}
Permission/write: {database: mydb, schemas: [schema1], actions: [INSERT], tables: ["*"]}
Permission/change: {database: mydb, schemas: [schema1], actions: [UPDATE], tables: ["*"]}
Role/more: {database: mydb}
"""
BEFORE = "User/x: {userName: aa, database: mydb, permissions: [read, write], enabled: false}\n"
AFTER = (
    "User/x: {userName: aa, database: mydb, permissions: [read, change], roles: [more],"
    " attributes: {createdb: true}, owns: {schemas: [{name: new, create: true}]}}\n"
)
HAS = (
    "SELECT has_table_privilege('aa', 'schema1.flights', p)"
    " FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS p"
)
IS = (
    "SELECT rolcanlogin, rolcreatedb, pg_has_role(oid, 'more', 'MEMBER'),"
    " to_regnamespace('new') IS NOT NULL FROM pg_roles WHERE rolname = 'aa'"
)


async def row_of(look: asyncpg.Connection) -> tuple[bool, ...]:
    """LOGIN, CREATEDB, whether it is a member, and whether the schema was made."""
    [row] = await look.fetch(IS)
    return tuple(row)


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_a_role_whose_name_is_listed_no_more_loses_what_is_not_declared_and_gains_nothing(
    database: Database,
) -> None:
    """Seen: it was NotAllowed, and got whatever was declared for it anew."""
    rules: dict[str, Any] = {"brake": "Disabled", "allow": {"memberOf": ["more"]}}
    narrow = {**rules, "allow": {**rules["allow"], "names": ["more", "other"]}}
    assert all_ready(await applied(database, PERMISSIONS + BEFORE, regent=rules))
    look = await database.connect()
    # What it has of a stranger's grant is given in its place, and so is no gain.
    await database.execute(
        "CREATE ROLE clerk; GRANT USAGE ON SCHEMA schema1 TO clerk;"
        " GRANT SELECT ON schema1.flights TO clerk WITH GRANT OPTION;"
        " REVOKE SELECT ON schema1.flights FROM aa; SET ROLE clerk;"
        " GRANT SELECT ON schema1.flights TO aa"
    )
    report = await applied(database, PERMISSIONS + AFTER, 2, regent=narrow)
    said = outcome(report, "User/x")
    assert (said.state, said.reason) == ("Stalled", "NotAllowed")
    assert "'aa' is not in spec.allow.names" in said.message
    assert "gets nothing more" in " ".join(said.notes)
    assert [row[0] for row in await look.fetch(HAS)] == [True, False, False]
    assert await row_of(look) == (False, False, False, False)
    again = await applied(database, PERMISSIONS + AFTER, 3, regent=narrow)
    assert not again.plan.changes
    await applied(database, PERMISSIONS, 4, regent=narrow)
    assert await look.fetchrow(IS) is None


async def test_who_is_listed_again_gets_all_that_is_declared(database: Database) -> None:
    """The twin."""
    rules: dict[str, Any] = {"brake": "Disabled", "allow": {"memberOf": ["more"]}}
    narrow = {**rules, "allow": {**rules["allow"], "names": ["more", "other"]}}
    await applied(database, PERMISSIONS + BEFORE, regent=rules)
    await applied(database, PERMISSIONS + AFTER, 2, regent=narrow)
    assert all_ready(await applied(database, PERMISSIONS + AFTER, 3, regent=rules))
    look = await database.connect()
    assert [row[0] for row in await look.fetch(HAS)] == [True, False, True]
    assert await row_of(look) == (True, True, True, True)
