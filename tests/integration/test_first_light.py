"""The reference's manifests on a real server, one pass in process (issue: must show 2)."""

from __future__ import annotations

import pytest

from regent.one_shot import apply_once, plan_once
from tests.declared import REFERENCE, VERIFIER, state
from tests.postgres.database import Database
from tests.settings import settings_for

PASSWORDS = {
    "User/summer-intern-2": {"verifier": VERIFIER},
    "User/flights-admin": {"verifier": VERIFIER},
}
WITH_SECRETS = REFERENCE.replace(
    "{roles: [mydb-viewer]}", "{roles: [mydb-viewer], passwordSecretRef: {name: s, key: a}}"
).replace(
    "{roles: [flights-admin]}", "{roles: [flights-admin], passwordSecretRef: {name: s, key: b}}"
)


@pytest.mark.every_version
async def test_the_references_manifests_are_applied_and_a_second_pass_plans_nothing(
    database: Database,
) -> None:
    """Plan says so, apply does it, plan and apply then have nothing to do."""
    settings = settings_for(database)
    declared = state(WITH_SECRETS, passwords=PASSWORDS)
    planned = await plan_once(settings, declared)
    assert planned.plan.changes
    assert planned.notes
    applied = await apply_once(settings, declared)
    assert [r for r in applied.results if not r.done] == []
    assert {o.resource: o.reason for o in applied.outcomes if not o.is_ready} == {}
    again = await plan_once(settings, declared)
    assert again.plan.changes == ()
    assert (await apply_once(settings, declared)).plan.is_empty


@pytest.mark.every_version
async def test_the_intern_reads_two_schemas_only_and_a_later_flights_table_is_covered(
    database: Database,
) -> None:
    """As the reference says: flights-admin is one role with LOGIN, in any schema."""
    settings = settings_for(database)
    declared = state(WITH_SECRETS, passwords=PASSWORDS)
    await apply_once(settings, declared)
    owner = await database.connect()
    await owner.execute("CREATE SCHEMA later; CREATE TABLE later.flights (id int)")
    await apply_once(settings, declared)

    async def may(role: str, table: str, privilege: str) -> bool:
        answer: bool = await owner.fetchval(
            "SELECT has_table_privilege($1, $2, $3)", role, table, privilege
        )
        return answer

    tables = await owner.fetch(
        "SELECT n.nspname AS schema, c.relname AS name, c.oid::regclass::text AS shown"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r','p','v','m') AND n.nspname !~ '^(pg_|info|postgregent)'"
    )
    assert any(row["schema"] == "schema1" for row in tables)
    for row in tables:
        readable = row["schema"] in ("schema1", "schema2")
        assert await may("summer-intern-2", row["shown"], "SELECT") is readable, row["shown"]
        is_flights = row["name"] == "flights"
        assert await may("flights-admin", row["shown"], "DELETE") is is_flights, row["shown"]
    assert await owner.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'flights-admin'")
    assert await may("flights-admin", "later.flights", "UPDATE")
