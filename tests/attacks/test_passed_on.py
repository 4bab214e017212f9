"""Who passed a membership on does not keep it by that (rule 8), whoever our admin is."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from regent.one_shot import OnceReport, apply_once, plan_once
from regent.settings import RegentSettings
from tests.declared import state
from tests.integration.facts.once import all_ready
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = pytest.mark.versions(16, 17, 18)

REST = """
Role/viewer: {database: mydb}
User/carol: {database: mydb, roles: [viewer]}
User/mal: {database: mydb}
User/keeper: {database: mydb}
"""
BEFORE = f"""{REST}
User/bob:
  {{database: mydb, memberOf: [{{role: viewer, admin: true}}, {{role: staff, admin: true}}]}}
"""
AFTER = f"{REST}\nUser/bob: {{database: mydb}}"
PASSED_ON = """
SET ROLE bob; GRANT viewer TO carol; GRANT viewer TO mal WITH ADMIN OPTION;
GRANT staff TO outsider WITH ADMIN OPTION; GRANT staff TO mal;
SET ROLE mal; GRANT viewer TO outsider; SET ROLE outsider; GRANT staff TO friend
"""
MEMBERS = """
SELECT array_agg(concat_ws(' ', m.roleid::regrole, m.member::regrole, m.grantor::regrole)
    ORDER BY m.roleid::regrole::text, m.member::regrole::text, m.grantor::regrole::text)
FROM pg_auth_members AS m WHERE m.roleid IN ('viewer'::regrole, 'staff'::regrole)
  AND m.member <> 'small'::regrole
"""


def by_small(database: Database) -> RegentSettings:
    settings = settings_for(database)
    server = settings.server.model_copy(
        update={"admin_user": "small", "admin_password": SecretStr("x")}
    )
    return settings.model_copy(update={"server": server})


async def applied(database: Database, text: str, revision: int) -> OnceReport:
    regent = {"adminUser": "small", "allow": {"memberOf": ["staff"]}}
    return await apply_once(by_small(database), state(text, regent=regent, revision=revision))


@pytest.mark.found("E101")
@pytest.mark.rule("8", "16")
async def test_a_membership_that_was_passed_on_goes_with_all_that_hangs_on_it(
    database: Database,
) -> None:
    """And the twin: who is declared, or nobody's business, is a member all the time."""
    await database.execute(
        "CREATE ROLE small LOGIN CREATEROLE CREATEDB PASSWORD 'x'; GRANT app_owner TO small;"
        "CREATE ROLE staff; CREATE ROLE outsider; CREATE ROLE friend;"
        "GRANT staff TO small WITH ADMIN OPTION"
    )
    assert all_ready(await applied(database, BEFORE, 1))
    await database.execute(PASSED_ON, "postgres")
    done = await applied(database, AFTER, 2)
    assert all(one.done for one in done.results), [o for o in done.results if not o.done]
    assert all_ready(done), done.outcomes
    look = await database.connect()
    assert await look.fetchval(MEMBERS) == [
        "staff friend outsider",
        "staff outsider small",
        "viewer carol small",
    ]
    regent = {"adminUser": "small", "allow": {"memberOf": ["staff"]}}
    again = await plan_once(by_small(database), state(AFTER, regent=regent, revision=2))
    assert not again.plan.changes
