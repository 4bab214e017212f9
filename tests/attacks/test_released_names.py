"""A name that changed while a Regent was released: whose role it was is known all the same."""

from __future__ import annotations

import pytest

from regent.uninstall import uninstall
from tests.attacks.test_hand_overs import Person, push
from tests.attacks.test_names_that_move import OFF, oids, user
from tests.integration.facts.once import all_ready, outcome
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = [pytest.mark.rule("7", "8"), pytest.mark.found("E229")]


async def released(database: Database, before: str, whose: dict[str, str]) -> None:
    """In force, and then left as it is: an uninstalled Regent, or one that is made anew."""
    assert all_ready(await push(database, before, whose, **OFF))
    await uninstall(settings_for(database))


@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_what_was_released_is_the_role_of_its_holder_under_whatever_name(
    database: Database,
) -> None:
    """Seen: old roles kept LOGIN and password beside the new ones, or instead of them."""
    ann, bob = Person(database, "ann"), Person(database, "bob")
    whose = {"ann": "ann", "bob": "bob"}
    group = "Role/g: {{database: mydb, roleName: {}}}\n"
    await released(
        database, user("ann", "aa", "g") + user("bob", "bb", "g") + group.format("g1"), whose
    )
    await database.execute("CREATE ROLE taken")
    look = await database.connect()
    before = await look.fetchval("SELECT 'aa'::regrole::oid::bigint")
    after = (
        user("ann", "cc", "g")
        + user("bob", "taken", "g", more=", enabled: false")
        + group.format("g2")
    )
    for revision in (2, 3):
        report = await push(database, after, whose, revision=revision, **OFF)
        assert outcome(report, "User/bob").reason == "ExistsUnmanaged"
        assert outcome(report, "User/ann").reason == "Applied"
        assert not await bob.enters("bb")
        assert not await ann.enters("aa")
        assert await ann.enters("cc")
    assert not report.plan.changes
    marks = await oids(database)
    assert all(fits for _, _, fits in marks.values()), marks
    assert {"cc", "bb", "g2"} < set(marks)
    assert marks["cc"][1] == before
    members = "SELECT member::regrole::text FROM pg_auth_members WHERE roleid = 'g2'::regrole"
    assert {row[0] for row in await look.fetch(members)} >= {"cc", "bb"}
    gone = await push(database, group.format("g2"), revision=4, **OFF)
    assert all_ready(gone), gone.outcomes
    left = "SELECT count(*) FROM pg_roles WHERE rolname IN ('aa', 'bb', 'cc', 'g1')"
    assert not await look.fetchval(left)


async def test_what_was_released_and_is_declared_no_more_is_named(database: Database) -> None:
    """Nobody ends what was left as it was; it must not be a secret that it may log in."""
    ann = Person(database, "ann")
    await released(database, user("ann", "aa"), {"ann": "ann"})
    report = await push(database, "", revision=2, **OFF)
    assert await ann.enters("aa")
    assert any("aa (of User/default/ann)" in note for note in report.notes), report.notes


async def test_a_stranger_of_a_released_name_is_not_taken_for_it(database: Database) -> None:
    """The twin: what somebody made anew since is nobody's, under a new name of its User too."""
    ann = Person(database, "ann")
    await released(database, user("ann", "aa"), {"ann": "ann"})
    await database.execute("DROP ROLE aa; CREATE ROLE aa LOGIN SUPERUSER PASSWORD 'x'")
    report = await push(database, user("ann", "bb"), {"ann": "ann"}, revision=2, **OFF)
    assert all_ready(report), report.outcomes
    assert await ann.enters("bb")
    look = await database.connect()
    assert await look.fetchval("SELECT rolsuper AND rolcanlogin FROM pg_roles WHERE rolname = 'aa'")


async def test_a_released_role_that_became_a_superuser_is_not_renamed_to_its_user(
    database: Database,
) -> None:
    """Whoever takes a role back under another name gets no more than under its own."""
    ann = Person(database, "ann")
    await released(database, user("ann", "aa"), {"ann": "ann"})
    await database.execute("ALTER ROLE aa SUPERUSER PASSWORD 'x'")
    report = await push(database, user("ann", "bb"), {"ann": "ann"}, revision=2, **OFF)
    assert outcome(report, "User/ann").reason == "NotAllowed"
    assert "'aa' is a superuser" in outcome(report, "User/ann").message
    assert not await ann.enters("aa")
    assert not await ann.enters("bb")


@pytest.mark.found("E232")
@pytest.mark.versions(18)
async def test_the_end_of_a_user_whose_mark_is_lost_says_that_its_role_logs_in(
    database: Database,
) -> None:
    """As when the home database alone was put back; the twin ends with its mark, without a word."""
    ann, bob = Person(database, "ann"), Person(database, "bob")
    both = user("ann", "aa") + user("bob", "bb")
    await push(database, both, {"ann": "ann", "bob": "bob"}, **OFF)
    home = await database.server.connect("postgregent")
    await home.execute("DELETE FROM postgregent.marks WHERE role = 'aa'")
    await home.close()
    report = await push(database, "", revision=2, **OFF)
    assert await ann.enters("aa")
    assert not await bob.enters("bb")
    (said,) = (note for note in report.notes if "goes on logging in" in note)
    assert "aa (of User/default/ann)" in said
    assert "bb" not in said
