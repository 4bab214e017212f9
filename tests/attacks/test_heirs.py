"""Roles that no leaver's objects go to by a declaration, or by a pattern alone (rules 12, 27)."""

from __future__ import annotations

import pytest

from tests.integration.facts.once import applied, outcome
from tests.postgres.database import Database

pytestmark = [pytest.mark.every_version, pytest.mark.found("E95")]

KEEPER = "User/keeper: {database: mydb}\n"
OWNERS = """
SELECT relowner::regrole::text FROM pg_class
WHERE relnamespace = 'schema1'::regnamespace AND relname LIKE 'of%' ORDER BY relname
"""
CODE = "SELECT proowner::regrole::text FROM pg_proc WHERE proname LIKE 'steal%' ORDER BY proname"


def leavers(*heirs: str) -> str:
    """A User for each of these heirs."""
    return KEEPER + "".join(
        f"User/leaver{n}: {{database: mydb, reassignOwnedTo: {heir}}}\n"
        for n, heir in enumerate(heirs)
    )


async def owning(database: Database, count: int) -> None:
    """Each owns a table and a function that runs with its owner's rights."""
    for n in range(count):
        await database.execute(
            f"GRANT USAGE, CREATE ON SCHEMA schema1 TO leaver{n}; SET ROLE leaver{n};"
            f"CREATE TABLE schema1.of{n} (i int); CREATE FUNCTION schema1.steal{n}() RETURNS int"
            " LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; RESET ROLE"
        )


async def test_a_pattern_hands_nothing_to_a_role_that_reaches_everything(
    database: Database,
) -> None:
    """CREATEROLE, pg_write_all_data and the like reach everything, too; `*` gave them the code."""
    await applied(database, KEEPER)
    await database.execute(
        "CREATE ROLE dba; CREATE ROLE maker CREATEROLE; CREATE ROLE writer; CREATE ROLE crew;"
        "GRANT postgres TO dba; GRANT pg_write_all_data TO writer"
    )
    await database.execute('GRANT "my-admin" TO crew', "postgres")
    own = ("postgregent_owner", "my-admin", "crew")
    heirs = ("postgres", "dba", "maker", "writer", *own)
    allow = {"allow": {"reassignOwnedTo": ["*", *own]}}
    report = await applied(database, leavers(*heirs), 2, regent=allow)
    for n, heir in enumerate(heirs):
        notes = " ".join(outcome(report, f"User/leaver{n}").notes)
        assert "nothing is handed on to it" in notes, heir
        assert ("exact name" in notes) == (heir not in own), notes
    await owning(database, len(heirs))
    await applied(database, KEEPER, 3, regent=allow)
    look = await database.connect()
    stay = [f"leaver{n}" for n in range(len(heirs))]
    assert [row[0] for row in await look.fetch(OWNERS)] == stay
    assert [row[0] for row in await look.fetch(CODE)] == stay


async def test_heirs_that_the_regents_editor_means_get_everything(database: Database) -> None:
    """The twin: a powerful role by its exact name, an ordinary one by a pattern."""
    await applied(database, KEEPER)
    await database.execute("CREATE ROLE maker CREATEROLE; CREATE ROLE app_keeper")
    await database.execute("GRANT CREATE ON SCHEMA schema1 TO maker, app_keeper")
    allow = {"allow": {"reassignOwnedTo": ["app_*", "maker"]}}
    report = await applied(database, leavers("maker", "app_keeper"), 2, regent=allow)
    assert not any(outcome(report, f"User/leaver{n}").notes for n in range(2))
    await owning(database, 2)
    await applied(database, KEEPER, 3, regent=allow)
    look = await database.connect()
    assert [row[0] for row in await look.fetch(OWNERS)] == ["maker", "app_keeper"]
    assert [row[0] for row in await look.fetch(CODE)] == ["maker", "app_keeper"]
