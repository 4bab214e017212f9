"""Groups that nobody joins by a declaration, or by a pattern alone (rules 9 and 12)."""

from __future__ import annotations

import pytest

from tests.integration.facts.once import all_ready, applied, outcome
from tests.postgres.database import Database

pytestmark = pytest.mark.every_version

KEEPER = "User/keeper: {database: mydb}\n"
GROUPS = """
SELECT coalesce(array_agg(roleid::regrole::text ORDER BY roleid::regrole::text), '{}')
FROM pg_auth_members WHERE member = 'mal'::regrole
"""


async def is_marked(database: Database, role: str) -> bool:
    """Whether a Regent manages it."""
    home = await database.server.connect("postgregent")
    try:
        marks = "SELECT count(*) FROM postgregent.marks WHERE role = $1 AND NOT released"
        return bool(await home.fetchval(marks, role))
    finally:
        await home.close()


def joins(*groups: str) -> str:
    """A User that wants to be a member of these groups, with ADMIN."""
    listed = ", ".join(f"{{role: {group}, admin: true}}" for group in groups)
    return f"{KEEPER}User/mal: {{database: mydb, memberOf: [{listed}]}}"


@pytest.mark.found("E56")
@pytest.mark.rule("9", "12")
async def test_a_pattern_lets_nobody_into_a_role_that_reaches_everything(
    database: Database,
) -> None:
    """Seen on 15 and 18: `*` gave the owner role, the admin and postgres, WITH ADMIN."""
    await applied(database, KEEPER)
    await database.execute("CREATE ROLE dba; CREATE ROLE rdsadmin; GRANT postgres TO dba")
    powerful = ("postgres", "dba", "pg_write_all_data", "pg_execute_server_program", "rdsadmin")
    groups = ("postgregent_owner", "my-admin", *powerful)
    users = "".join(
        f"User/mal{n}: {{database: mydb, memberOf: [{{role: {group}, admin: true}}]}}\n"
        for n, group in enumerate(groups)
    )
    allow = {"allow": {"memberOf": ["*", "p*"]}}
    report = await applied(database, KEEPER + users, 2, regent=allow)
    for n, group in enumerate(groups):
        said = outcome(report, f"User/mal{n}")
        assert said.reason == "NotAllowed", group
        assert ("exact name" in said.message) == (group in powerful), said.message
    look = await database.connect()
    question = "SELECT count(*) FROM pg_auth_members WHERE member::regrole::text LIKE 'mal%'"
    assert await look.fetchval(question) == 0


@pytest.mark.found("E56")
@pytest.mark.rule("9", "12")
async def test_postgregents_own_roles_are_joined_by_no_declaration(database: Database) -> None:
    """By their exact names, by a group that reaches them, and where one is a member already."""
    await applied(database, KEEPER + "User/mal: {database: mydb}")
    await database.execute("CREATE ROLE crew; GRANT postgregent_owner TO mal", "postgres")
    await database.execute('GRANT "my-admin" TO crew', "postgres")
    own = ("postgregent_owner", "my-admin", "crew")
    allow = {"allow": {"memberOf": [*own, "ordinary"]}}
    report = await applied(database, joins(*own), 2, regent=allow)
    said = outcome(report, "User/mal")
    assert said.reason == "NotAllowed"
    assert "no declaration makes anybody a member" in said.message
    look = await database.connect()
    assert await look.fetchval(GROUPS) == []


@pytest.mark.found("E56")
@pytest.mark.rule("12")
async def test_groups_that_the_regents_editor_lists_by_name_are_joined(database: Database) -> None:
    """The twin: exact names give what they name, and patterns give ordinary groups."""
    await database.execute("CREATE ROLE app_readers; CREATE ROLE dba; GRANT postgres TO dba")
    wanted = ("app_readers", "dba", "pg_monitor", "pg_write_all_data")
    allow = {"allow": {"memberOf": ["app_*", "dba", r"pg\_write_all_data"]}}
    report = await applied(database, joins(*wanted), regent=allow)
    assert all_ready(report), report.outcomes
    look = await database.connect()
    assert sorted(await look.fetchval(GROUPS)) == sorted(wanted)


@pytest.mark.found("E117")
@pytest.mark.rule("10", "12")
async def test_a_role_that_stays_in_a_providers_group_is_not_adopted_by_a_pattern(
    database: Database,
) -> None:
    """`team` is declared and not had, so whoever is in it stays, and would bring its adopter in."""
    await database.execute(
        "CREATE ROLE rds_superuser; CREATE ROLE team; CREATE ROLE mal LOGIN;"
        "GRANT rds_superuser TO team; GRANT team TO mal",
        "postgres",
    )
    text = "Role/team: {database: mydb}\nUser/mal: {database: mydb, adopt: true, roles: [team]}"
    for revision, allowed in enumerate([["*"], ["rds_superuser"]], 1):
        report = await applied(
            database, text, revision, regent={"allow": {"adopt": ["*"], "memberOf": allowed}}
        )
        said = outcome(report, "User/mal")
        is_adopted = allowed == ["rds_superuser"]
        assert ("reaches rds_superuser by that" in said.message) is not is_adopted, said.message
        assert await is_marked(database, "mal") is is_adopted
