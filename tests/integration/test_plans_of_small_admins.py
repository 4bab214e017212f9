"""A plan by an admin that is no superuser promises what `apply` can do, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import flights, postgregent
from tests.integration.facts.once import all_ready, applied, demote, outcome
from tests.postgres.database import Database

pytestmark = [pytest.mark.versions(18), pytest.mark.rule("21"), pytest.mark.found("E262")]


async def test_a_home_database_is_promised_only_where_the_admin_may_make_it(
    database: Database, tmp_path: Path
) -> None:
    """Seen: "apply would make the home database", and apply ended with 1, nothing done."""
    directory = str(flights(tmp_path))
    await database.execute('ALTER ROLE "my-admin" NOSUPERUSER CREATEROLE NOCREATEDB', "postgres")
    plan = await postgregent("plan", directory, "--dsn", database.dsn())
    said = " ".join(plan.out.split())
    assert plan.status == 1
    assert "would make the home" not in said
    assert 'may not make the home database "postgregent" (it has no CREATEDB)' in said
    assert 'CREATE DATABASE "postgregent"' in said
    data = (await postgregent("plan", directory, "--dsn", database.dsn(), "-o", "json")).data()
    assert "it has no CREATEDB" in data["cannot"]
    await database.execute('ALTER ROLE "my-admin" CREATEDB', "postgres")
    twin = await postgregent("plan", directory, "--dsn", database.dsn())
    assert twin.status == 2
    assert "apply would make the home database" in twin.out


async def test_what_apply_was_refused_is_in_the_next_plan_with_the_refusal(
    database: Database, tmp_path: Path
) -> None:
    """Seen: "Nothing to do" with exit status 0, and apply asked for it anew each time."""
    directory = str(flights(tmp_path))
    await demote(database)
    dsn = ("--dsn", database.dsn())
    assert (await postgregent("apply", directory, *dsn)).status == 3
    plan = await postgregent("plan", directory, *dsn)
    said = " ".join(plan.out.split())
    assert plan.status == 2
    assert "The server refused these before; apply asks for them again:" in said
    assert "refused (42501)" in said
    assert "Nothing to do" not in said
    data = (await postgregent("plan", directory, *dsn, "-o", "json")).data()
    assert data["changes"] == []
    assert {one["sqlstate"] for one in data["refused"]} <= {"42501", "01007"}
    assert all('Run GRANT "app_owner" TO "my-admin"' in one["message"] for one in data["refused"])
    await database.execute('GRANT app_owner TO "my-admin" WITH INHERIT TRUE', "postgres")
    assert (await postgregent("apply", directory, *dsn)).status == 0
    assert (await postgregent("plan", directory, *dsn)).status == 0


DECLARED = """
Role/crew: {database: mydb}
User/yan: {database: mydb, roles: [crew], attributes: {createdb: true}}
"""


@pytest.mark.found("E263")
async def test_a_role_that_cannot_be_made_is_no_fault_of_the_group_that_it_joins(
    database: Database,
) -> None:
    """Seen: the Role was Stalled, as "role yan does not exist", and nothing named the cause."""
    await demote(database)
    await applied(database, DECLARED.partition("User")[0])
    await database.execute('ALTER ROLE "my-admin" NOCREATEDB', "postgres")
    report = await applied(database, DECLARED, revision=2)
    assert {one.reason for one in report.outcomes} == {"Applied", "NotManageable"}
    assert outcome(report, "Role/crew").is_ready
    said = outcome(report, "User/yan")
    assert "create role yan" in said.message
    assert 'Run ALTER ROLE "my-admin" CREATEDB; as a superuser.' in said.message
    assert not any("does not exist" in one.message for one in report.results)
    await database.execute('ALTER ROLE "my-admin" CREATEDB', "postgres")
    last = await applied(database, DECLARED, revision=3)
    assert all_ready(last), last.outcomes
