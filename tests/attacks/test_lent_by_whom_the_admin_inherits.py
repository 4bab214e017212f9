"""An admin that gives a role only by the rights of a lender cannot give it again without them."""

from __future__ import annotations

import pytest

from tests.integration.facts.once import applied, demote, outcome
from tests.postgres.database import Database

POOR = tuple(f"poor{n}" for n in range(10))
MEMBERS = "SELECT member::regrole::text FROM pg_auth_members WHERE roleid = 'team'::regrole"
DECLARED = "Role/team: {database: mydb, adopt: true}\n" + "".join(
    f"Role/{one}: {{database: mydb, adopt: true, memberOf: [{{role: team}}]}}\n" for one in POOR
)
LENDER = "Role/lender: {database: mydb, adopt: true, memberOf: [{role: team, admin: %s}]}\n"
OPTIONS_SINCE = 16


async def lent_by_one_who_has_it_from(database: Database, giver: str) -> None:
    """All ten have the team by the lender, whose rights the admin has too, as those of `giver`."""
    has_grantors = database.server.version >= OPTIONS_SINCE

    def by(grantor: str) -> str:
        return f' GRANTED BY "{grantor}"' if has_grantors else ""

    statements = [f"CREATE ROLE {one}" for one in ("team", "lender", "boss", *POOR)]
    statements += ['GRANT lender, boss TO "my-admin"']
    if giver != "postgres":
        statements += [f'GRANT team TO "{giver}" WITH ADMIN OPTION']
    statements += [f"GRANT team TO lender WITH ADMIN OPTION{by(giver)}"]
    statements += [f"GRANT team TO {one}{by('lender')}" for one in POOR]
    await demote(database)
    await database.execute("; ".join(statements), "postgres")


@pytest.mark.found("E388")
@pytest.mark.rule("20", "21")
@pytest.mark.versions(15, 16, 18)
@pytest.mark.parametrize("giver", ["postgres", "boss"])
async def test_who_was_lent_a_role_keeps_it_where_the_admin_has_it_by_the_lender(
    database: Database, giver: str
) -> None:
    """Git takes ADMIN from the lender. From 16 on it stays, as the server refuses to take it."""
    await lent_by_one_who_has_it_from(database, giver)
    look = await database.connect("postgres")
    text = DECLARED + (LENDER % "true").replace("lender", "boss")
    await applied(database, text + LENDER % "true")
    report = await applied(database, text + LENDER % "false", revision=2)
    assert {row[0] for row in await look.fetch(MEMBERS)} >= {"lender", *POOR}
    has_admin = await look.fetchval(f"{MEMBERS} AND admin_option AND member = 'lender'::regrole")
    lender = outcome(report, "Role/lender")
    assert bool(has_admin) is (database.server.version >= OPTIONS_SINCE), lender
    assert lender.is_ready is not bool(has_admin), "he is not Ready while he has it"
    assert all(outcome(report, f"Role/{one}").is_ready for one in POOR)


@pytest.mark.found("E388")
@pytest.mark.rule("20")
@pytest.mark.versions(15, 16, 18)
async def test_twin_an_admin_with_an_option_of_its_own_gives_it_again(database: Database) -> None:
    """The lender loses his, and ten others nothing."""
    await lent_by_one_who_has_it_from(database, "my-admin")
    look = await database.connect("postgres")
    await applied(database, DECLARED + LENDER % "true")
    report = await applied(database, DECLARED + LENDER % "false", revision=2)
    assert {row[0] for row in await look.fetch(MEMBERS)} >= {"lender", *POOR}
    assert not await look.fetch(f"{MEMBERS} AND admin_option AND member = 'lender'::regrole")
    assert outcome(report, "Role/lender").is_ready
