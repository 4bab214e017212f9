"""Who joins a role never has what it is to lose, who leaves it never what it gains (rule 22)."""

from __future__ import annotations

from contextlib import suppress

import asyncpg
import pytest

from regent.one_shot import apply_once
from shared import scram
from tests.attacks.test_hand_overs import KilledError, killed_after
from tests.declared import state
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = pytest.mark.rule("22")
TABLES = ("flights", "airports")
P = "".join(
    f"Permission/{table}: {{database: mydb, schemas: [schema1], tables: [{table}],"
    " actions: [SELECT]}\n"
    for table in TABLES
)
ALL = """
Permission/all: {database: mydb, schemas: [schema1], tables: [flights],
  actions: [SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER]}
"""
USER = "User/aa: {database: mydb, passwordSecretRef: {name: s, key: k}"
PASSWORDS = {name: scram.build(f"pw {name}").value for name in ("old", "new")}


async def push(
    database: Database, text: str, revision: int, whose: str = "old", *, brake: bool = False
) -> dict[str, tuple[str, str]]:
    """The reason and the message of each resource."""
    spec = {} if brake else {"brake": {"mode": "Disabled"}}
    report = await apply_once(
        settings_for(database),
        state(
            text,
            revision=revision,
            regent=spec,
            passwords={"User/aa": {"verifier": PASSWORDS[whose]}},
        ),
        consents=[],
    )
    return {one.resource.split("/")[-1]: (one.reason, one.message) for one in report.outcomes}


async def may_read(look: asyncpg.Connection) -> set[str]:
    found = await look.fetch(
        "SELECT t FROM unnest($1::text[]) t WHERE has_table_privilege('aa', 'schema1.' || t,"
        " 'SELECT')",
        list(TABLES),
    )
    return {row[0] for row in found}


@pytest.mark.found("E167")
@pytest.mark.versions(15, 18)
@pytest.mark.parametrize("case", ["joins", "leaves"])
async def test_nobody_has_what_a_role_loses_or_gains_for_others_at_any_moment(
    database: Database, case: str
) -> None:
    """Killed before each write in turn; in the end it is as declared."""
    first, second = f"{P}Role/r: {{permissions: [flights]", f"{P}Role/r: {{permissions: [airports]"
    before, after = f"{first}, database: mydb}}\n{USER}}}", f"{second}, database: mydb}}\n{USER}"
    if case == "joins":
        after += ", roles: [r]}"
    else:
        before = f"{first}, database: mydb}}\n{USER}, roles: [r]}}"
        after += "}"
    look, revision = await database.connect(), 0
    for writes in range(1, 9):
        await push(database, before, revision := revision + 1)
        had = await may_read(look)
        done = None
        with killed_after(writes), suppress(KilledError):
            done = await push(database, after, revision := revision + 1)
        has = await may_read(look)
        allowed = had | ({"airports"} if case == "joins" else set())
        assert has <= allowed, f"killed before write {writes}"
        if done is not None:
            assert has == ({"airports"} if case == "joins" else set())
            return
    pytest.fail("it never ended")


@pytest.mark.found("E167")
@pytest.mark.versions(18)
async def test_who_moves_to_a_role_that_loses_something_misses_nothing_on_the_way(
    database: Database,
) -> None:
    """The twin: what both declarations give is there at each moment."""
    one = "Role/one: {database: mydb, permissions: [airports]}\n"
    before = f"{P}{one}Role/two: {{database: mydb, permissions: [airports, flights]}}\n"
    after = f"{P}{one}Role/two: {{database: mydb, permissions: [airports]}}\n"
    look, revision = await database.connect(), 0
    for writes in range(1, 9):
        await push(database, f"{before}{USER}, roles: [one]}}", revision := revision + 1)
        done = None
        with killed_after(writes), suppress(KilledError):
            done = await push(database, f"{after}{USER}, roles: [two]}}", revision := revision + 1)
        assert await may_read(look) == {"airports"}, f"killed before write {writes}"
        if done is not None:
            return
    pytest.fail("it never ended")


@pytest.mark.found("E166")
@pytest.mark.rule("20")
@pytest.mark.versions(15, 18)
async def test_nobody_becomes_a_member_of_a_role_that_keeps_what_is_withheld(
    database: Database,
) -> None:
    """It waits for the release, and says so; what one had before is given back all the while."""
    before = f"{P}{ALL}Role/payroll: {{database: mydb, permissions: [all]}}\n"
    old = "User/bb: {database: mydb, roles: [payroll]}\n"
    after = f"{P}{ALL}Role/payroll: {{database: mydb, permissions: [airports]}}\n"
    await push(database, f"{before}{old}{USER}}}", 1, brake=True)
    look = await database.connect()
    for revision in (2, 3):
        said = await push(database, f"{after}{old}{USER}, roles: [payroll]}}", revision, brake=True)
        assert said["payroll"][0] == said["aa"][0] == "BrakePulled"
        assert await may_read(look) == set()
        assert await look.fetchval("SELECT pg_has_role('bb', 'payroll', 'MEMBER')")
        await look.execute("REVOKE payroll FROM bb")


@pytest.mark.found("E168")
@pytest.mark.versions(15, 18)
async def test_the_new_password_of_a_user_that_is_disabled_opens_nothing_at_any_moment(
    database: Database,
) -> None:
    """Killed before each write in turn."""
    revision = 0
    for writes in range(1, 9):
        await push(database, f"{P}{USER}}}", revision := revision + 1)
        done = None
        with killed_after(writes), suppress(KilledError):
            done = await push(
                database, f"{P}{USER}, enabled: false}}", revision := revision + 1, "new"
            )
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await database.connect("aa", "pw new")
        if done is not None:
            return
    pytest.fail("it never ended")
