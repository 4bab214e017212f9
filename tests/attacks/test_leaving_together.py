"""Several leave at once, to one heir: what one leaves is no power of another's code."""

from __future__ import annotations

import asyncpg
import pytest

from tests.attacks.test_leaving import owners, said
from tests.integration.facts.once import applied
from tests.postgres.database import Database

pytestmark = [pytest.mark.every_version, pytest.mark.found("E1")]

TWO = """
Role/heir: {database: mydb}
Role/spy: {database: mydb}
"""
STEALS = (
    "CREATE FUNCTION steal() RETURNS text SECURITY DEFINER LANGUAGE plpgsql AS"
    " $$ BEGIN RETURN (SELECT x FROM schema1.secret); END $$"
)


@pytest.mark.parametrize(("coder", "other"), [("zz", "aa"), ("aa", "zz")])
async def test_the_code_of_one_leaver_does_not_reach_what_another_left_to_the_same_heir(
    database: Database, coder: str, other: str
) -> None:
    """Whoever of them comes first: the order is ours, and nobody's permission."""
    leavers = "".join(
        f"Role/{name}: {{database: mydb, reassignOwnedTo: heir}}\n" for name in ("aa", "zz")
    )
    await applied(database, TWO + leavers)
    await database.execute(
        "GRANT USAGE, CREATE ON SCHEMA schema1 TO PUBLIC; SET search_path = schema1;"
        f"SET ROLE {other}; CREATE TABLE secret AS SELECT 'of the other' AS x; RESET ROLE;"
        f"SET ROLE {coder}; {STEALS}; CREATE TABLE plain (i int); RESET ROLE"
    )
    report = await applied(database, TWO, revision=2)
    found = await owners(database, ["secret", "plain", "steal"])
    assert found == {"secret": "heir", "plain": "heir", "steal": coder}
    assert "the ownership of table schema1.secret" in said(report)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute("SET ROLE spy; SELECT schema1.steal()")
    # Later passes see it as any other power of the heir.
    await applied(database, TWO, revision=2)
    assert await owners(database, ["steal"]) == {"steal": coder}


async def test_a_leavers_code_reaches_what_the_same_leaver_left(database: Database) -> None:
    """The twin: one leaver's function and table go to an heir that has nothing of anybody else."""
    leaver = "Role/aa: {database: mydb, reassignOwnedTo: heir}\n"
    await applied(database, TWO + leaver)
    await database.execute(
        "GRANT USAGE, CREATE ON SCHEMA schema1 TO PUBLIC; SET search_path = schema1; SET ROLE aa;"
        f"CREATE TABLE secret AS SELECT 'its own' AS x; {STEALS}"
    )
    report = await applied(database, TWO, revision=2)
    assert said(report) == ""
    assert await owners(database, ["secret", "steal"]) == dict.fromkeys(["secret", "steal"], "heir")
