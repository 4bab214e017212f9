"""Thousands of memberships, and rings and chains of who gave them, cost what their number costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest

from regent.changes import AlterRole, Effect, GrantMembership, RenameRole, RevokeMembership
from regent.desired import Attributes, Desired, DesiredMembership, PasswordPolicy
from regent.observed import Observed, ObservedMembership, ObservedRole, ObservedServer
from regent.plan import plan
from shared.state import Verifier
from tests.declared import VERIFIER
from tests.unit.plan.declared import desired, role

ADMIN = ("admin", "postgres")
CHAIN = 3_000


def passed_on(group: str, names: list[str]) -> list[ObservedMembership]:
    """Each gave it to all after itself, WITH ADMIN; the first had it from a superuser."""
    rows = [ObservedMembership(group, names[0], "postgres", admin=True)]
    return rows + [
        ObservedMembership(group, later, giver, admin=True)
        for at, giver in enumerate(names)
        for later in names[at + 1 :]
    ]


def handed_down(group: str, names: list[str]) -> list[ObservedMembership]:
    """Each has it from the one before, WITH ADMIN."""
    givers = ["postgres", *names]
    return [
        ObservedMembership(group, n, by, admin=True) for n, by in zip(names, givers, strict=False)
    ]


def planned(declared: Desired, rows: Iterable[ObservedMembership], major: int = 18) -> list[object]:
    rows = tuple(rows)
    names = {name for row in rows for name in (row.group, row.member)}.union(ADMIN)
    roles = {
        name: ObservedRole(10 if name == "postgres" else 100 + at, name, False, Attributes())
        for at, name in enumerate(sorted(names))
    }
    server = ObservedServer(major * 10_000, "1", "admin", True, roles, rows)
    return list(plan(declared, Observed(server)).changes)


def revoked(changes: Iterable[object]) -> list[tuple[str, str]]:
    return [(c.member, c.grantor) for c in changes if isinstance(c, RevokeMembership)]


@pytest.mark.found("E111")
def test_what_strangers_gave_each_other_is_nobodys_business_however_much_it_is() -> None:
    names = [f"r{n}" for n in range(40)]
    rows = [*passed_on("g", names), *handed_down("h", [f"s{n}" for n in range(CHAIN)])]
    assert planned(desired(roles=()), rows) == []


@pytest.mark.found("E111")
@pytest.mark.rule("22")
def test_of_forty_who_gave_each_other_a_managed_group_whoever_gave_none_leaves_first() -> None:
    names = [f"r{n}" for n in range(40)]
    order = revoked(planned(desired(roles=("g",)), passed_on("g", names)))
    assert len(order) == 40 * 39 // 2 + 1
    had_by = {
        name: [at for at, (member, _) in enumerate(order) if member == name] for name in names
    }
    for at, (_, grantor) in enumerate(order):
        assert all(at < later for later in had_by.get(grantor, ()))


@pytest.mark.found("E111")
@pytest.mark.rule("22")
@pytest.mark.parametrize("major", [15, 18])
def test_a_chain_of_thousands_is_taken_apart_from_its_end(major: int) -> None:
    names = [f"r{n:04}" for n in range(CHAIN)]
    order = revoked(planned(desired(roles=("g",)), handed_down("g", names), major))
    assert [member for member, _ in order] == names[::-1]


@pytest.mark.found("E111")
@pytest.mark.rule("22")
def test_a_chain_that_hangs_on_a_managed_role_is_given_again_before_it_falls() -> None:
    """Its first link goes, so all of them fall, and none of the others is ours to take out."""
    names = ["ours", *(f"r{n:04}" for n in range(CHAIN))]
    changes = planned(desired(roles=("ours",)), handed_down("g", names))
    given = [c.member for c in changes if isinstance(c, GrantMembership)]
    assert given == names[1:]
    assert [member for member, _ in revoked(changes)] == names[::-1]


@pytest.mark.found("E111")
def test_before_16_a_ring_of_grantors_is_taken_apart_in_any_order() -> None:
    """No row depends on another there, and the server makes such rings."""
    rows = [
        ObservedMembership("g", "a", "b", admin=True),
        ObservedMembership("g", "b", "a", admin=True),
        ObservedMembership("g", "c", "a", admin=True),
    ]
    found = revoked(planned(desired(roles=("g",)), rows, 15))
    assert sorted(found) == [("a", "b"), ("b", "a"), ("c", "a")]


@pytest.mark.found("E113")
def test_thousands_are_renamed_in_a_row() -> None:
    """Each takes the name that the next one leaves: the last has to move first."""
    count = 3_000
    names = [f"r{n:04}" for n in range(count + 1)]
    moving = {new: role(new, renamed_from=old) for old, new in pairwise(names)}
    roles = {n: ObservedRole(100 + at, n, False, Attributes()) for at, n in enumerate(names[:-1])}
    server = ObservedServer(180_000, "1", "admin", True, roles)
    changes = plan(Desired(roles=moving), Observed(server)).changes
    assert [c.role for c in changes if isinstance(c, RenameRole)] == names[-2::-1]


@pytest.mark.found("E112")
@pytest.mark.rule("10")
def test_thousands_are_adopted_whose_passwords_are_others_than_declared() -> None:
    """Whoever may use one of them is put out where nothing is left to be taken, and only there."""
    names = [f"u{n:04}" for n in range(4_000)]
    secret = Verifier(value=VERIFIER)
    adopted = {
        name: replace(role(name), login=True, password=PasswordPolicy.SET, verifier=secret)
        for name in names
    }
    there = {n: ObservedRole(100 + at, n, True, Attributes()) for at, n in enumerate(names)}
    there |= {"team": ObservedRole(50, "team", False, Attributes())}
    rows = tuple(ObservedMembership("team", n, "postgres", admin=False) for n in names[::2])
    wanted = tuple(DesiredMembership("crew", n) for n in names)
    declared = Desired(
        roles={**adopted, "crew": role("crew")}, memberships=wanted, adopted=frozenset(names)
    )
    server = ObservedServer(180_000, "1", "admin", True, there, rows)
    changes = plan(declared, Observed(server)).changes
    put_out = {c.role for c in changes if isinstance(c, AlterRole) and c.effect is Effect.CLOSE}
    assert put_out == {*names[1::2]}
