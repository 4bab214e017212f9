"""What thousands of resources declare is resolved for what each of them costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from regent.remembered import AcceptedState
from shared.state import DesiredState
from tests.declared import NOON, accepted, mark, resolved, role, server, state

LATER = NOON + timedelta(seconds=5)
PLAIN = {"database": "mydb"}


def pushed(resources: dict[str, dict[str, Any]], revision: int = 1) -> DesiredState:
    """`state()` without YAML, which takes a second for thousands of lines."""
    entries = {}
    for short, spec in resources.items():
        kind, _, name = short.partition("/")
        entries[f"{kind}/default/{name}"] = {"kind": kind, "generation": 1, "spec": spec}
    whole = state("", revision=revision).model_dump(mode="json", by_alias=True)
    return DesiredState.model_validate({**whole, "resources": entries})


def renamed(
    count: int, specs: list[dict[str, Any]]
) -> tuple[AcceptedState, tuple[Any, ...], tuple[Any, ...]]:
    """As many Users that were there, and the same under other names with the next push."""
    before = accepted(pushed({f"User/u{n}": specs[n % len(specs)] for n in range(count)}))
    after = pushed({f"User/v{n}": specs[n % len(specs)] for n in range(count)}, 2)
    roles = tuple(role(f"u{n}", oid=1_000 + n, login=True) for n in range(count))
    marks = tuple(mark(f"u{n}", f"User/u{n}", oid=1_000 + n) for n in range(count))
    return accepted(after, before, LATER), roles, marks


@pytest.mark.found("E113")
@pytest.mark.rule("7")
@pytest.mark.parametrize("alike", [True, False])
def test_five_thousand_users_get_other_names_in_one_push(*, alike: bool) -> None:
    """Of those that declare the same nobody knows which it was; of all others it is said."""
    count = 5_000
    specs = [PLAIN] if alike else [{**PLAIN, "connectionLimit": n} for n in range(count)]
    latest, roles, marks = renamed(count, specs)
    found = resolved(latest, marks=marks, on=server(*roles), now=LATER)
    assert len(found.desired.endings) == count
    hints = {key: notes for key, notes in found.found.notes.items() if "looks like" in notes[0]}
    assert len(hints) == (0 if alike else count)
    if not alike:
        assert "a rename of User/default/u7," in hints["User/default/v7"][0]


@pytest.mark.found("E113")
@pytest.mark.rule("27")
def test_of_thousands_each_hears_whether_its_heir_would_get_anything() -> None:
    users = {f"User/u{n}": {**PLAIN, "reassignOwnedTo": f"u{n + 1}"} for n in range(5_000)}
    found = resolved(accepted(pushed(users)))
    assert {*found.found.notes} == {"User/default/u4999"}


@pytest.mark.found("E113")
@pytest.mark.rule("18")
def test_thousands_wait_for_roles_that_are_not_there_yet() -> None:
    users = {f"User/u{n}": {"roles": [f"team-{n}"]} for n in range(3_000)}
    roles = {f"Role/taem-{n}": PLAIN for n in range(1_000)}
    latest = accepted(pushed({**users, **roles}))
    waiting = resolved(latest).found.troubles["User/default/u0"]
    assert waiting[0] == "WaitingForReference"
    assert "Role 'team-0' (did you mean taem-0?)" in waiting[1]
    told = resolved(latest, now=NOON + timedelta(hours=1)).found.troubles
    assert {told[f"User/default/u{n}"][0] for n in range(3_000)} == {"RoleNotFound"}
    assert "Did you mean taem-0?" in told["User/default/u0"][1]


@pytest.mark.found("E113")
@pytest.mark.rule("7")
def test_thousands_that_want_one_name_are_each_told_a_few_of_the_others() -> None:
    users = {f"User/u{n}": {**PLAIN, "userName": "boss"} for n in range(5_000)}
    told = resolved(accepted(pushed(users))).found.troubles
    assert len(told) == 5_000
    assert "User/default/u1, " in told["User/default/u0"][1]
    assert "and 4979 more; neither gets it" in told["User/default/u0"][1]


@pytest.mark.found("E113")
@pytest.mark.rule("12")
def test_thousands_hear_that_they_are_taken_out_of_a_group_that_is_not_allowed() -> None:
    users = {f"User/u{n}": {**PLAIN, "memberOf": [{"role": "team"}]} for n in range(3_000)}
    told = resolved(accepted(pushed(users)), on=server(role("team"))).found.troubles
    assert {reason for reason, _ in told.values()} == {"NotAllowed"}
    assert len(told) == 3_000
