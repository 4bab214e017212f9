"""`deletionPolicy: Retain`: the role is left as it is, LOGIN too (rule 27)."""

from __future__ import annotations

import pytest

from tests.integration.facts.once import applied, is_settled
from tests.postgres.database import Database

KEEPER = "User/keeper: {database: mydb}\n"


@pytest.mark.found("E25")
@pytest.mark.rule("27")
async def test_a_retained_role_keeps_its_login_and_its_end_is_done(database: Database) -> None:
    await applied(database, KEEPER + "User/y: {database: mydb, deletionPolicy: Retain}\n")
    report = await applied(database, KEEPER, 2)
    assert [result.done for result in report.results] == [True]
    assert await is_settled(database, KEEPER, 3)
    connection = await database.connect()
    assert await connection.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'y'")
