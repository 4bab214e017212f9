"""What an owner gave is not said to be revoked by an admin who cannot (rule 21)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from regent.one_shot import apply_once
from regent.settings import RegentSettings
from tests.daemons import running
from tests.declared import state
from tests.eventually import eventually
from tests.integration.facts.once import outcome
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = [pytest.mark.found("E161"), pytest.mark.rule("21")]

DECLARED = "User/u: {database: mydb}\n"
SMALL: dict[str, Any] = {"regent": {"adminUser": "small"}}
SETUP = """
CREATE ROLE small LOGIN CREATEROLE CREATEDB PASSWORD 'x'; ALTER DATABASE mydb OWNER TO small;
CREATE TABLE schema1.plain (a int, b int); CREATE TABLE schema1.parts (a int, b int);
ALTER TABLE schema1.plain OWNER TO app_owner; ALTER TABLE schema1.parts OWNER TO app_owner;
GRANT ALL ON SCHEMA schema1 TO small WITH GRANT OPTION;
GRANT SELECT, DELETE ON schema1.plain TO small WITH GRANT OPTION;
GRANT SELECT (a) ON schema1.parts TO small WITH GRANT OPTION
"""
SPURIOUS = """
GRANT DELETE ON schema1.plain TO u; GRANT USAGE ON SCHEMA schema1 TO u;
GRANT SELECT (a) ON schema1.parts TO u
"""


def as_small(database: Database) -> RegentSettings:
    """A Regent whose admin has grant options, and not the owner's rights."""
    settings = settings_for(database)
    update = {"admin_user": "small", "admin_password": SecretStr("x")}
    return settings.model_copy(update={"server": settings.server.model_copy(update=update)})


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.fact("PG-ACL-22")
async def test_what_the_owner_gave_is_not_manageable_for_who_has_only_a_grant_option(
    database: Database,
) -> None:
    """Seen: "Done", and the privilege was still there; PostgreSQL does not even warn."""
    settings = as_small(database)
    await database.execute(SETUP)
    await apply_once(settings, state(DECLARED, **SMALL), consents=[])
    await database.execute(SPURIOUS)
    report = await apply_once(settings, state(DECLARED, revision=2, **SMALL), consents=[])
    assert not [one for one in report.results if one.done], "nothing is said to be done"
    said = outcome(report, "User/u")
    assert said.reason == "NotManageable", said
    assert 'Run GRANT "app_owner" TO "small"' in said.message
    # The twin: with the owner's rights all of it goes.
    inherit = " WITH INHERIT TRUE, SET TRUE" if database.server.version >= 16 else ""
    await database.execute(f"GRANT app_owner TO small{inherit}")
    report = await apply_once(settings, state(DECLARED, revision=2, **SMALL), consents=[])

    assert all(one.is_ready for one in report.outcomes), report.outcomes
    look = await database.connect()
    assert not await look.fetchval("SELECT has_table_privilege('u', 'schema1.plain', 'DELETE')")
    assert not await look.fetchval(
        "SELECT has_column_privilege('u', 'schema1.parts', 'a', 'SELECT')"
    )


@pytest.mark.versions(15, 18)
async def test_what_the_owner_of_parameters_gave_is_told_once_and_tried_never(
    database: Database, tmp_path: Path
) -> None:
    """Seen: 140 times within 12 seconds, as each REVOKE woke the watcher."""
    settings, look = as_small(database), await database.connect()
    await database.execute(SETUP)
    await database.execute(
        "GRANT ALTER SYSTEM ON PARAMETER log_statement TO small WITH GRANT OPTION", "postgres"
    )
    async with running(settings, tmp_path) as regent:
        await regent.push(state(DECLARED, **SMALL))
        await regent.settled(1)
        await database.execute("GRANT ALTER SYSTEM ON PARAMETER log_statement TO u", "postgres")

        async def is_told() -> bool:
            status = await regent.status()
            found = {one["resource"]: one for one in status["resources"]}
            return bool(found["User/default/u"]["reason"] == "NotManageable")

        await eventually(is_told)
        assert "REVOKE ALTER SYSTEM" not in database.server.log_of_this_test()
        # The twin: what small gave itself is taken at once.
        await look.execute("SET ROLE small; GRANT SELECT ON schema1.plain TO u; RESET ROLE")

        async def is_gone() -> bool:
            return not await look.fetchval(
                "SELECT has_table_privilege('u','schema1.plain','SELECT')"
            )

        await eventually(is_gone)


@pytest.mark.versions(15, 18)
async def test_an_adoption_that_cannot_be_finished_ends_no_session(database: Database) -> None:
    """Seen: an application that logged in as the role lost a connection at each look."""
    settings = as_small(database)
    await database.execute(SETUP)
    await apply_once(settings, state(DECLARED, **SMALL), consents=[])
    option = " WITH ADMIN TRUE" if database.server.version >= 16 else " WITH ADMIN OPTION"
    await database.execute(
        f"CREATE ROLE svc LOGIN PASSWORD 'old'; GRANT svc TO small{option};"
        "GRANT DELETE ON schema1.plain TO svc"
    )
    session = await database.connect("svc", "old")
    adopting = DECLARED + "User/svc: {database: mydb, adopt: true}\n"
    for _ in range(2):
        report = await apply_once(settings, state(adopting, revision=2, **SMALL), consents=[])
        assert outcome(report, "User/svc").reason == "NotManageable"
    assert await session.fetchval("SELECT true")
