"""Nobody comes to what a role is to lose: by LOGIN, a password, or what has another owner soon."""

from __future__ import annotations

from contextlib import suppress

import asyncpg
import pytest

from tests.attacks.test_hand_overs import KilledError, killed_after
from tests.attacks.test_turns import ALL, push
from tests.integration.facts.once import all_ready, applied, outcome
from tests.postgres.database import Database

pytestmark = [pytest.mark.rule("22"), pytest.mark.versions(15, 18)]

SECRET = "passwordSecretRef: {name: s, key: k}"
HAS = f"{ALL}Role/r: {{database: mydb, permissions: [all]}}\n"
HAS_NOT = f"{ALL}Role/r: {{database: mydb}}\n"
USER = f"User/aa: {{database: mydb, roles: [r], {SECRET}"
OLD = f"User/bb: {{database: mydb, roles: [r], {SECRET}}}\n"
IS_LET_IN = {
    "is the Role": (
        f"{HAS.replace('/r', '/aa')}",
        f"{HAS_NOT.replace('/r', '/aa')}User/aa: {{database: mydb, roles: [aa], {SECRET}}}",
    ),
    "enabled": (f"{HAS}{OLD}{USER}, enabled: false}}", f"{HAS_NOT}{OLD}{USER}}}"),
    "valid again": (
        f"{HAS}{OLD}{USER}, validUntil: '2026-01-01T00:00:00Z'}}",
        f"{HAS_NOT}{OLD}{USER}}}",
    ),
    "more than 0": (f"{HAS}{OLD}{USER}, connectionLimit: 0}}", f"{HAS_NOT}{OLD}{USER}}}"),
}
"""What is declared first, and then."""
S1 = "owns: {schemas: [{name: s1, objects: true}]}"
MOVES = (
    f"Role/a: {{database: mydb, {S1}}}\nRole/b: {{database: mydb}}\nUser/aa: {{database: mydb}}",
    f"Role/a: {{database: mydb}}\nRole/b: {{database: mydb, {S1}}}\nUser/aa: {{roles: [a]}}",
)
OWNED = {"allow": {"ownedSchemas": ["s1"]}, "brake": {"mode": "Disabled"}}


async def comes_in(database: Database, role: str, password: str) -> bool:
    try:
        there = await database.connect(role, password)
    except (
        asyncpg.InvalidAuthorizationSpecificationError,  # and with it a wrong password
        asyncpg.TooManyConnectionsError,
    ):
        return False
    await there.close()
    return True


@pytest.mark.found("E225")
@pytest.mark.rule("20")
@pytest.mark.parametrize("case", IS_LET_IN)
async def test_nobody_is_let_in_by_a_role_that_keeps_what_is_withheld(
    database: Database, case: str
) -> None:
    """He waits for the release, and is told; who could come in before gets back what is taken."""
    before, after = IS_LET_IN[case]
    await push(database, before, 1, brake=True)
    look = await database.connect()
    for revision in (2, 3):
        said = await push(database, after, revision, "new", brake=True)
        assert said["aa"][0] == "BrakePulled"
        assert not await comes_in(database, "aa", "pw new")
        if "User/bb" in after:
            assert await look.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'bb'")
            await look.execute("ALTER ROLE bb NOLOGIN")


@pytest.mark.found("E226")
@pytest.mark.parametrize("case", IS_LET_IN)
async def test_nobody_is_let_in_by_a_role_whose_loss_is_held_by_a_lock(
    database: Database, case: str
) -> None:
    before, after = IS_LET_IN[case]
    await push(database, before, 1)
    holder = await database.connect()
    held = holder.transaction()
    await held.start()
    await holder.execute("LOCK TABLE schema1.flights")
    said = await push(database, after, 2, "new")
    assert "55P03" in said["aa"][1]
    assert not await comes_in(database, "aa", "pw new")
    await held.rollback()
    assert (await push(database, after, 2, "new"))["aa"][0] == "Applied"
    assert await comes_in(database, "aa", "pw new")


@pytest.mark.found("E226")
async def test_who_could_come_in_gets_a_new_password_though_a_loss_is_held(
    database: Database,
) -> None:
    """The twin: a password that leaked is changed at once."""
    await push(database, f"{HAS}{USER}}}", 1)
    holder = await database.connect()
    async with holder.transaction():
        await holder.execute("LOCK TABLE schema1.flights")
        said = await push(
            database, f"{HAS_NOT}{USER}, validUntil: '2999-01-01T00:00:00Z'}}", 2, "new"
        )
        assert "flights" in said["r"][1]
        assert await comes_in(database, "aa", "pw new")
        assert said["aa"][0] == "Applied"


async def has_both(look: asyncpg.Connection) -> bool:
    """Whether aa is a member of a while that owns anything in s1."""
    return bool(
        await look.fetchval(
            "SELECT pg_has_role('aa', 'a', 'MEMBER') AND EXISTS (SELECT FROM pg_class"
            " WHERE relnamespace = 's1'::regnamespace AND relowner = 'a'::regrole)"
        )
    )


@pytest.mark.found("E224")
async def test_who_joins_a_role_never_has_the_objects_that_go_to_another_owner(
    database: Database,
) -> None:
    """Killed before each write in turn."""
    look, revision = await database.connect(), 0
    await look.execute("CREATE SCHEMA s1; CREATE TABLE s1.t ()")
    for writes in range(1, 12):
        report = await applied(database, MOVES[0], revision := revision + 1, regent=OWNED)
        assert all_ready(report), report.outcomes
        done = None
        with killed_after(writes), suppress(KilledError):
            done = await applied(database, MOVES[1], revision := revision + 1, regent=OWNED)
        assert not await has_both(look), f"killed before write {writes}"
        if done is not None:
            assert all_ready(done), done.outcomes
            return
    pytest.fail("it never ended")


@pytest.mark.found("E224")
async def test_who_joins_a_role_waits_for_objects_that_are_held(database: Database) -> None:
    look, holder = await database.connect(), await database.connect()
    await look.execute("CREATE SCHEMA s1; CREATE TABLE s1.t ()")
    assert all_ready(await applied(database, MOVES[0], regent=OWNED))
    held = holder.transaction()
    await held.start()
    await holder.execute("LOCK TABLE s1.t IN ACCESS SHARE MODE")
    report = await applied(database, MOVES[1], 2, regent=OWNED)
    assert not await has_both(look)
    assert "what must come before it is not done yet" in outcome(report, "User/aa").message
    await held.rollback()
    assert all_ready(await applied(database, MOVES[1], 2, regent=OWNED))
    assert await look.fetchval("SELECT pg_has_role('aa', 'a', 'MEMBER')")
