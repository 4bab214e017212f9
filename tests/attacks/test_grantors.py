"""Whoever may create roles makes as many memberships as he likes: they stop nobody (B12's kind)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.integration.facts.once import all_ready, applied, is_settled
from tests.postgres.database import Database

pytestmark = pytest.mark.every_version

TEAM = "Role/team: {database: mydb}"
MEMBERS = "SELECT count(DISTINCT member) FROM pg_auth_members WHERE roleid = $1::regrole"


def passed_on(group: str, names: list[str]) -> str:
    """Each gives the group to all after itself, WITH ADMIN."""
    steps = [f"GRANT {group} TO {names[0]} WITH ADMIN OPTION"]
    for at, giver in enumerate(names[:-1]):
        later = ", ".join(names[at + 1 :])
        steps.append(f"SET ROLE {giver}; GRANT {group} TO {later} WITH ADMIN OPTION; RESET ROLE")
    return ";".join(steps)


def handed_down(group: str, names: list[str]) -> str:
    """Each gives it to the next one."""
    steps = [f"GRANT {group} TO {names[0]} WITH ADMIN OPTION"]
    steps += [
        f"SET ROLE {giver}; GRANT {group} TO {next_one} WITH ADMIN OPTION; RESET ROLE"
        for giver, next_one in pairwise(names)
    ]
    return ";".join(steps)


def created(*names: str) -> str:
    return ";".join(f"CREATE ROLE {name}" for name in names)


@pytest.mark.found("E111")
async def test_strangers_who_gave_each_other_a_group_stop_no_regent(database: Database) -> None:
    """From 16 on each grantor has a row of its own; thirty would have been walked for hours."""
    some, many = [f"a{n}" for n in range(40)], [f"b{n}" for n in range(1_100)]
    look = await database.connect("postgres")
    await look.execute(created("g", "h", *some, *many))
    await look.execute(passed_on("g", some))
    await look.execute(handed_down("h", many))
    assert all_ready(await applied(database, TEAM))
    assert await is_settled(database, TEAM)
    assert await look.fetchval(MEMBERS, "g") == len(some)
    assert await look.fetchval(MEMBERS, "h") == len(many)


@pytest.mark.found("E111")
@pytest.mark.rule("8", "22")
async def test_a_managed_group_that_its_members_gave_each_other_is_emptied(
    database: Database,
) -> None:
    """Each row as its grantor, and nobody before those whom he let in."""
    assert all_ready(await applied(database, TEAM))
    names = [f"a{n}" for n in range(12)]
    look = await database.connect("postgres")
    await look.execute(created(*names))
    await look.execute(passed_on("team", names))
    assert all_ready(await applied(database, TEAM, 2))
    assert await is_settled(database, TEAM, 2)
    given = "SELECT count(*) FROM pg_auth_members WHERE member::regrole::text ~ '^a[0-9]'"
    assert await look.fetchval(given) == 0
