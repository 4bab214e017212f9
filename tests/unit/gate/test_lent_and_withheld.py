"""The brake, where memberships hang on what goes as drift (rule 20, PostgreSQL 16 and later)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regent.changes import Change, GrantMembership, RevokeMembership
from regent.observed import ObservedMembership, ObservedServer
from regent.passes.look import Looked
from regent.remembered import AcceptedState
from tests.declared import accepted, mark, role, server, state
from tests.unit.gate.test_pauses import done, look

pytestmark = [pytest.mark.rule("20"), pytest.mark.found("E380")]
POOR = tuple(f"poor{n}" for n in range(10))
MEMBERS = "Role/team: {database: mydb}\n" + "".join(
    f"Role/{one}: {{database: mydb, memberOf: [{{role: team}}]}}\n" for one in POOR
)
LENDER = "User/lender: {database: mydb, memberOf: [{role: team, admin: %s}]}\n"
MARKS = (*(mark(one, f"Role/{one}") for one in ("team", *POOR)), mark("lender", "User/lender"))


def lent(*, is_superuser: bool = True, major: int = 18) -> ObservedServer:
    """Ten members of `team`, all by the lender, who has ADMIN from the admin."""
    here = server(role("team"), role("lender", login=True), *map(role, POOR), major=major)
    rows = (
        ObservedMembership("team", "lender", "my-admin", admin=True),
        *(ObservedMembership("team", one, "lender", admin=False) for one in POOR),
    )
    return replace(here, memberships=rows, admin_is_superuser=is_superuser)


def seen(before: AcceptedState, after: AcceptedState, on: ObservedServer) -> Looked:
    return look(after, on, (), before=before, marks=MARKS)


def members(
    on: ObservedServer, changes: tuple[Change, ...]
) -> tuple[set[tuple[str, str]], set[str]]:
    """Who is a member by whom after these changes, and who has ADMIN; it takes what hangs first."""
    rows = {(row.member, row.grantor): row.admin for row in on.memberships}
    for change in changes:
        if isinstance(change, GrantMembership):
            rows[change.member, "my-admin"] = change.admin
        elif isinstance(change, RevokeMembership):
            for pair in change.along:
                rows.pop(pair)
            mine = (change.member, change.grantor)
            depends = [pair for pair in rows if pair[1] == change.member]
            assert not depends or on.major < 16, f"the server refuses {change}: {depends}"
            if change.admin_only:
                rows[mine] = False
            else:
                rows.pop(mine)
    return set(rows), {member for (member, _), admin in rows.items() if admin}


@pytest.mark.parametrize("is_superuser", [True, False])
@pytest.mark.parametrize("major", [15, 18])
def test_who_has_a_membership_by_what_goes_as_drift_loses_it_by_the_brakes_word_alone(
    major: int, *, is_superuser: bool
) -> None:
    """ADMIN was given by hand to whoever lent the team to all, and a push takes it from all."""
    before = accepted(state(MEMBERS + LENDER % "false"))
    taken = MEMBERS.replace("{role: team}", "") + LENDER % "false"
    after = accepted(state(taken, revision=2), before)
    on = lent(is_superuser=is_superuser, major=major)
    found = seen(before, after, on)
    assert found.verdict.is_pulled
    assert {one.role for one in found.verdict.withheld} == set(POOR)
    left, admins = members(on, done(found))
    assert {member for member, _ in left} == {"lender", *POOR}
    assert not admins, "drift is taken all the same"


@pytest.mark.parametrize("is_superuser", [True, False])
def test_who_gets_a_membership_again_at_once_loses_nothing(*, is_superuser: bool) -> None:
    """Git takes ADMIN from the lender, and leaves ten members."""
    before = accepted(state(MEMBERS + LENDER % "true"))
    after = accepted(state(MEMBERS + LENDER % "false", revision=2), before)
    on = lent(is_superuser=is_superuser)
    found = seen(before, after, on)
    assert [one.edge for one in found.verdict.let_through] == [
        ("lender", "MEMBERSHIP", "team ADMIN")
    ]
    left, admins = members(on, done(found))
    assert {member for member, _ in left} == {"lender", *POOR}
    assert not admins


@pytest.mark.found("E388")
@pytest.mark.parametrize("has_own", [True, False])
def test_what_is_withheld_is_not_given_again_where_the_admin_gives_it_as_the_lender(
    *, has_own: bool
) -> None:
    """Without an option of its own it has the lender's: what it gave would go with that."""
    before = accepted(state(MEMBERS + LENDER % "false"))
    taken = MEMBERS.replace("{role: team}", "") + LENDER % "false"
    after = accepted(state(taken, revision=2), before)
    inherits = ObservedMembership("lender", "my-admin", "postgres", admin=False)
    own = ObservedMembership("team", "my-admin", "postgres", admin=True)
    here = lent(is_superuser=False)
    on = replace(here, memberships=(*here.memberships, inherits, *([own] if has_own else [])))
    found = seen(before, after, on)
    assert {one.role for one in found.verdict.withheld} == set(POOR)
    changes = done(found)
    given = {one.member for one in changes if isinstance(one, GrantMembership)}
    gone = {one.member for one in changes if isinstance(one, RevokeMembership)}
    assert given == (set(POOR) if has_own else set())
    assert gone == {"lender", *given}


@pytest.mark.found("E450")
def test_who_keeps_admin_by_the_brake_keeps_it_where_the_push_gives_less_at_once() -> None:
    """All had it by the lender, whose own was given by hand; the push leaves the membership."""
    before = accepted(state(MEMBERS.replace("team}", "team, admin: true}") + LENDER % "false"))
    after = accepted(state(MEMBERS + LENDER % "false", revision=2), before)
    on = with_rows(lent(), *(lent_to(one, admin=True) for one in POOR))
    found = seen(before, after, on)
    assert {one.role for one in found.verdict.withheld} == set(POOR)
    left, admins = members(on, done(found))
    assert left == {("lender", "my-admin"), *((one, "my-admin") for one in POOR)}
    assert admins == set(POOR), "the lender's was drift"


@pytest.mark.found("E451")
def test_who_keeps_admin_by_the_brake_keeps_what_the_row_of_the_admin_gives() -> None:
    """A GRANT of the same grantor sets the options of his row."""
    before = accepted(state(MEMBERS.replace("team}", "team, admin: true}") + LENDER % "false"))
    taken = MEMBERS.replace("{role: team}", "") + LENDER % "false"
    after = accepted(state(taken, revision=2), before)
    ours = (ObservedMembership("team", one, "my-admin", admin=False) for one in POOR)
    rows = (replace(lent_to(one, admin=True), inherit=False) for one in POOR)
    found = seen(before, after, with_rows(lent(), *rows, *ours))
    assert {one.role for one in found.verdict.withheld} == set(POOR)
    given = [one for one in done(found) if isinstance(one, GrantMembership)]
    assert {one.member for one in given} == set(POOR)
    assert all(one.admin and one.inherit and one.set_role for one in given)


def lent_to(name: str, *, admin: bool) -> ObservedMembership:
    return ObservedMembership("team", name, "lender", admin=admin)


def with_rows(on: ObservedServer, *rows: ObservedMembership) -> ObservedServer:
    """Of the lender's own there is one row."""
    return replace(on, memberships=(on.memberships[0], *rows))
