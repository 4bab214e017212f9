"""A role renamed by hand stays that of its resource, whoever takes its old name (rule 8)."""

from __future__ import annotations

import asyncpg
import pytest

from tests.attacks.test_hand_overs import Person, push
from tests.attacks.test_names_that_move import OFF, oids, user
from tests.integration.facts.once import all_ready, outcome
from tests.postgres.database import Database

pytestmark = [pytest.mark.rule("7", "8"), pytest.mark.every_version]


@pytest.mark.found("E197")
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.parametrize("how", ["made", "renamed"])
async def test_who_takes_the_old_name_of_a_role_does_not_take_its_mark(
    database: Database, how: str
) -> None:
    """Seen: the newcomer's mark was written over it, and the first had LOGIN for ever."""
    ann, bob = Person(database, "ann"), Person(database, "bob")
    whose = {"ann": "ann", "bob": "bob"}
    others = user("bob", "cc", "ground") if how == "renamed" else ""
    assert all_ready(await push(database, user("ann", "aa") + others, whose, **OFF))
    first = await oids(database)
    await database.execute("ALTER ROLE aa RENAME TO bb")
    after = user("ann", "bb") + user("bob", "aa", "ground")
    report = await push(database, after, whose, revision=2, **OFF)
    assert all_ready(report), report.outcomes
    marks = await oids(database)
    assert all(fits for _, _, fits in marks.values()), marks
    assert [marks[name][0].rpartition("/")[2] for name in ("bb", "aa")] == ["ann", "bob"]
    assert marks["bb"][1] == first["aa"][1]
    again = await push(database, after, whose, revision=3, **OFF)
    assert all_ready(again), again.outcomes
    assert not again.plan.changes
    assert await ann.enters("bb")
    assert await bob.enters("aa")
    gone = user("bob", "aa", "ground")
    assert all_ready(await push(database, gone, {"bob": "bob"}, revision=4, **OFF))
    look = await database.connect()
    assert not await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = 'bb'")


SWAPS = {
    "two": "ALTER ROLE aa RENAME TO xx; ALTER ROLE bb RENAME TO aa; ALTER ROLE xx RENAME TO bb",
    "three": (
        "ALTER ROLE aa RENAME TO xx; ALTER ROLE bb RENAME TO aa; ALTER ROLE cc RENAME TO bb;"
        " ALTER ROLE xx RENAME TO cc"
    ),
}


@pytest.mark.found("E261")
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.parametrize("swap", SWAPS)
async def test_names_that_were_swapped_are_swapped_back(database: Database, swap: str) -> None:
    """Seen: they stayed so, whoever was bob passed for ann, and the way out was to drop one."""
    whose = {"ann": "ann", "bob": "bob", "cal": "ann"}
    declared = user("ann", "aa") + user("bob", "bb", "ground") + user("cal", "cc", "ground")
    assert all_ready(await push(database, declared, whose, **OFF))
    before = await oids(database)
    await database.execute(SWAPS[swap])
    report = await push(database, declared, whose, revision=2, **OFF)
    assert all_ready(report), report.outcomes
    assert await oids(database) == before
    assert await Person(database, "ann").enters("aa")
    assert await Person(database, "bob").enters("bb")
    assert not (await push(database, declared, whose, revision=3, **OFF)).plan.changes
    look = await database.connect()
    assert not await look.fetchval("SELECT count(*) FROM pg_roles WHERE rolname ~ '^(xx|aside)'")


@pytest.mark.found("E261")
@pytest.mark.slow_versions(14, 16, 17)
async def test_who_may_not_have_its_name_back_is_never_to_be_dropped(database: Database) -> None:
    """Nor is anything of the other one's given to it."""
    whose = {"ann": "ann", "bob": "bob"}
    declared = user("ann", "aa") + user("bob", "bb", "ground")
    assert all_ready(await push(database, declared, whose, **OFF))
    await database.execute(SWAPS["two"])
    narrow = {"regent": {**OFF["regent"], "allow": {"names": ["aa", "pilots", "ground", "keep*"]}}}
    report = await push(database, declared, whose, revision=2, **narrow)
    said = outcome(report, "User/ann")
    assert said.reason == "NameConflict"
    assert "that of User/default/bob, which somebody renamed" in said.message
    assert "drop" not in said.message
    assert outcome(report, "User/bob").reason == "NotAllowed"


@pytest.mark.found("E198")
@pytest.mark.rule("10")
@pytest.mark.slow_versions(14, 16, 17)
async def test_whose_role_is_gone_does_not_get_a_strangers_by_declaring_its_name(
    database: Database,
) -> None:
    """Seen: the mark of the role that was dropped let its resource have a superuser."""
    whose = {"ann": "ann"}
    assert all_ready(await push(database, user("ann", "aa"), whose, **OFF))
    await database.execute("DROP ROLE aa; CREATE ROLE dba SUPERUSER LOGIN PASSWORD 'theirs'")
    report = await push(database, user("ann", "dba"), whose, revision=2, **OFF)
    assert outcome(report, "User/ann").reason == "ExistsUnmanaged"
    await database.connect("dba", "theirs")
    await database.execute("DROP ROLE dba")
    assert all_ready(await push(database, user("ann", "dba"), whose, revision=3, **OFF))
    with pytest.raises(asyncpg.InvalidPasswordError):
        await database.connect("dba", "theirs")
