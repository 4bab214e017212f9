"""Code that was made in SET ROLE outlives the access, and is told (rule 24)."""

from __future__ import annotations

import pytest

from regent.one_shot import plan_once
from tests.declared import REFERENCE, state
from tests.integration.facts.once import applied, is_settled, outcome
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = [pytest.mark.found("E105"), pytest.mark.rule("24")]
KEEPER = "User/keeper: {database: mydb}\n"
ACCESS = "User/u: {{database: mydb, access: [{{role: mydb-viewer, until: {}, reason: it}}]}}\n"
LATER, PAST = "2099-01-01T00:00:00Z", "2020-01-01T00:00:00Z"
CODE = """
CREATE SCHEMA open; GRANT ALL ON SCHEMA open TO PUBLIC; SET ROLE u; SET ROLE "mydb-viewer";
CREATE FUNCTION open.f() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user::text';
CREATE VIEW open.w AS SELECT * FROM schema1.flights; GRANT SELECT ON open.w TO PUBLIC;
CREATE VIEW open.mine AS SELECT 1; CREATE FUNCTION open.as_caller() RETURNS int LANGUAGE sql AS '1';
RESET ROLE
""".replace("AS '1'", "AS 'SELECT 1'")


async def given(database: Database) -> None:
    await applied(database, REFERENCE + KEEPER + ACCESS.format(LATER))
    await database.execute(CODE)


@pytest.mark.every_version
async def test_code_that_an_access_left_is_told_as_long_as_it_may_be_used(
    database: Database,
) -> None:
    """On the User and the Role; the code that only the Role itself may use is not."""
    await given(database)
    over = REFERENCE + KEEPER + ACCESS.format(PAST)
    for _ in range(2):
        report = await applied(database, over, revision=2)
        for resource in ("User/u", "Role/mydb-viewer"):
            [note] = [n for n in outcome(report, resource).notes if "open.f()" in n]
            assert "view open.w" in note
            assert "open.mine" not in note
            assert "as_caller" not in note
    await database.execute("DROP VIEW open.w; REVOKE ALL ON FUNCTION open.f() FROM PUBLIC")
    report = await applied(database, over, revision=2)
    assert not any("open." in n for n in outcome(report, "User/u").notes)
    assert await is_settled(database, over, revision=2)


async def test_the_plan_tells_it_before_and_it_stays_told_when_the_user_is_gone(
    database: Database,
) -> None:
    await given(database)
    gone = REFERENCE + KEEPER
    planned = await plan_once(settings_for(database), state(gone, revision=2))
    assert any("open.f()" in n for n in outcome(planned, "Role/mydb-viewer").notes)
    for _ in range(2):
        report = await applied(database, gone, revision=2)
        assert any("open.f()" in n for n in outcome(report, "Role/mydb-viewer").notes)
