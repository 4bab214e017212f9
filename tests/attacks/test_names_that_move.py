"""A name that one gives up and another one takes in the same push: no role is left to itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.test_hand_overs import SECRET, Person, push
from tests.integration.facts.once import all_ready, outcome
from tests.postgres.database import Database

pytestmark = [pytest.mark.rule("7", "8")]

OFF: dict[str, Any] = {"regent": {"brake": {"mode": "Disabled"}}}


def user(resource: str, name: str, role: str = "pilots", more: str = "") -> str:
    """A User with a password, under a name of its own."""
    return f"User/{resource}: {{userName: {name}, roles: [{role}], {SECRET}{more}}}\n"


async def oids(database: Database) -> dict[str, tuple[str, int, bool]]:
    """By name: whose mark is in force, on which oid, and whether that is the role of the name."""
    home = await database.server.connect("postgregent")
    try:
        rows = await home.fetch(
            "SELECT m.role, m.holder, m.role_oid::bigint AS oid, m.role_oid = r.oid AS fits"
            " FROM postgregent.marks AS m LEFT JOIN pg_roles AS r ON r.rolname = m.role"
            " WHERE NOT m.released"
        )
    finally:
        await home.close()
    return {row["role"]: (row["holder"], row["oid"], row["fits"]) for row in rows}


@pytest.mark.found("E153")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_who_gives_up_a_name_goes_on_and_can_be_ended_when_others_take_it(
    database: Database,
) -> None:
    """Seen: the newcomer's mark got the other's oid, and the first had LOGIN for ever."""
    ann, bob = Person(database, "ann"), Person(database, "bob")
    group = "Role/g: {{database: mydb, roleName: {}}}\n"
    before = user("ann", "aa") + user("bob", "cc", "ground") + group.format("g1")
    whose = {"ann": "ann", "bob": "bob"}
    assert all_ready(await push(database, before, whose, **OFF))
    first = await oids(database)
    after = (
        user("ann", "bb")
        + user("bob", "aa", "ground")
        + "User/cal: {userName: cc, database: mydb, adopt: true}\n"
        + group.format("g2")
        + "Role/h: {database: mydb, roleName: g1}\n"
    )
    report = await push(database, after, whose, revision=2, **OFF)
    assert all_ready(report), report.outcomes
    marks = await oids(database)
    assert all(fits for _, _, fits in marks.values()), marks
    holders = {name: holder.rpartition("/")[2] for name, (holder, _, _) in marks.items()}
    whom = {"bb": "ann", "aa": "bob", "cc": "cal", "g2": "g", "g1": "h"}
    assert holders == whom | {one: one for one in ("keeper", "pilots", "ground")}
    moved = {"bb": "aa", "aa": "cc", "g2": "g1"}
    assert {new: marks[new][1] for new in moved} == {n: first[o][1] for n, o in moved.items()}
    assert await ann.enters("bb")
    assert await bob.enters("aa")
    assert [await ann.sees(), await bob.sees()] == [{"flights"}, {"airports"}]
    ended = after.replace(user("ann", "bb"), user("ann", "bb", more=", enabled: false"))
    assert all_ready(await push(database, ended, whose, revision=3, **OFF))
    assert not await ann.enters("bb")
    assert await ann.sees() == set()
    gone = user("bob", "aa", "ground")
    assert all_ready(await push(database, gone, {"bob": "bob"}, revision=4, **OFF))
    assert set(await oids(database)) == {"aa", "keeper", "pilots", "ground"}
    look = await database.connect()
    left = "SELECT count(*) FROM pg_roles WHERE rolname IN ('bb', 'cc', 'g1', 'g2')"
    assert not await look.fetchval(left)


@pytest.mark.found("E154")
@pytest.mark.rule("27")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.parametrize("retain", ["", ", deletionPolicy: Retain"])
async def test_whoever_joins_a_role_or_takes_over_a_leavers_leaves_no_login_behind(
    database: Database, retain: str
) -> None:
    """Seen: the old role kept LOGIN, password and grants, and all of it was Ready."""
    ann, bob = Person(database, "ann"), Person(database, "bob")
    more = f", reassignOwnedTo: ground{retain}"
    before = user("ann", "aa", more=more) + user("bob", "bb", more=more) + user("gone", "cc")
    whose = {"ann": "ann", "bob": "bob"}
    assert all_ready(await push(database, before, {**whose, "gone": "bob"}, **OFF))
    assert await ann.enters("aa")
    assert await bob.enters("bb")
    await database.execute("CREATE TABLE schema1.t (i int); ALTER TABLE schema1.t OWNER TO aa")
    after = user("ann", "pilots", more=more) + user("bob", "cc", more=more)
    report = await push(database, after, whose, revision=2, **OFF)
    assert all_ready(report), report.outcomes
    again = await push(database, after, whose, revision=3, **OFF)
    assert not again.plan.changes
    assert not await ann.enters("aa")
    assert not await bob.enters("bb")
    assert await bob.enters("cc")
    assert await ann.enters("pilots")
    look = await database.connect()
    owner = "SELECT tableowner FROM pg_tables WHERE tablename = 't'"
    assert await look.fetchval(owner) == "ground"
    those = "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname IN ('aa', 'bb') ORDER BY 1"
    left = await look.fetch(those)
    assert [tuple(row) for row in left] == ([("aa", False), ("bb", False)] if retain else [])


@pytest.mark.found("E155")
@pytest.mark.rule("18")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_whoever_does_not_get_a_new_name_keeps_its_role_and_is_ended_in_it(
    database: Database,
) -> None:
    """Seen: memberships were lost, and `enabled: false` and an expiry had no effect."""
    ann, bob = Person(database, "ann"), Person(database, "bob")
    await database.execute("CREATE ROLE taken")
    whose = {"ann": "ann", "bob": "bob"}
    before = user("ann", "aa") + user("bob", "bb", "ground")
    assert all_ready(await push(database, before, whose, **OFF))
    renamed = user("ann", "taken", more="{}") + user("bob", "aa", "ground", more="{}")
    report = await push(database, renamed.replace("{}", ", adopt: true"), whose, revision=2, **OFF)
    assert outcome(report, "User/ann").reason == "ExistsUnmanaged"
    assert "adopt: true does not help" in outcome(report, "User/ann").message
    assert outcome(report, "User/bob").reason == "NameConflict"
    assert not report.plan.changes
    assert await ann.enters("aa")
    assert await bob.enters("bb")
    assert [await ann.sees(), await bob.sees()] == [{"flights"}, {"airports"}]
    ends = renamed.replace("{}", ", enabled: false", 1)
    ends = ends.replace("{}", ', validUntil: "2020-01-01T00:00:00Z"', 1)
    await push(database, ends, whose, revision=3, **OFF)
    assert not await ann.enters("aa")
    assert not await bob.enters("bb")
    assert [await ann.sees(), await bob.sees()] == [set(), set()]


@pytest.mark.found("E537")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
@pytest.mark.parametrize(
    ("key", "name", "members"),
    [("Role/pilots", "pilots", "zz, aa"), ("User/ann", "aa", "pilots, zz")],
)
async def test_a_name_that_somebody_takes_by_hand_takes_nothing_from_its_role(
    database: Database, key: str, name: str, members: str
) -> None:
    """Seen: every member of the Role was put out of it, though its status said that it goes on."""
    text = user("ann", "aa") + "Role/pilots: {database: mydb}\n"
    whose = {"ann": "ann"}
    assert all_ready(await push(database, text, whose))
    await database.execute(f"ALTER ROLE {name} RENAME TO zz; CREATE ROLE {name}")
    there = (
        "SELECT string_agg(roleid::regrole || ', ' || member::regrole, '; ') FROM pg_auth_members"
        " WHERE 'my-admin'::regrole NOT IN (roleid, member) AND roleid >= 16384"
        " AND 'postgregent_owner'::regrole NOT IN (roleid, member)"
    )
    look = await database.connect()
    for revision in (2, 3):
        report = await push(database, text, whose, revision=revision)
        assert outcome(report, key).reason == "ExistsUnmanaged", report.outcomes
        assert await look.fetchval(there) == members
    await look.execute(f"DROP ROLE {name}")
    assert all_ready(await push(database, text, whose, revision=4))
    assert await look.fetchval(there) == "pilots, aa"
    assert await look.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'aa'")
