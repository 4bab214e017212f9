"""Who applies once is told what will not begin, and what will not end, by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from regent.resolve.by_the_clock import MOST_NAMED, notes_on_time
from shared.utc import utc
from tests.declared import NOON, resolved, state

LATER = utc(NOON + timedelta(hours=1))
LATEST = utc(NOON + timedelta(hours=2))
BEFORE = utc(NOON - timedelta(hours=1))


def access(**more: str) -> str:
    fields = ", ".join(f"{name}: '{value}'" for name, value in more.items())
    return f"{{role: r, reason: why, {fields}}}"


@pytest.mark.found("A10")
def test_what_ends_and_what_begins_is_named_with_its_time() -> None:
    [ending, beginning] = notes_on_time(
        state(
            f"User/a: {{database: mydb, validUntil: '{LATEST}'}}\n"
            f"User/b: {{database: mydb, userName: bee, access: [{access(until=LATER)}]}}\n"
            f"User/c: {{database: mydb, access: [{access(**{'from': LATER, 'until': LATEST})}]}}\n"
        ),
        NOON,
    )
    assert ending.index("'bee' to Role 'r'") < ending.index("'a' (PostgreSQL")
    assert f"until {LATER}" in ending
    assert f"until {LATEST}" in ending
    assert f"'c' to Role 'r' from {LATER}" in beginning
    assert "'c'" not in ending


@pytest.mark.found("A10")
@pytest.mark.parametrize(
    "fields",
    [
        f"validUntil: '{BEFORE}', access: [{access(until=LATER)}]",
        f"enabled: false, validUntil: '{LATER}'",
        f"access: [{access(until=BEFORE)}]",
        "permissions: []",
    ],
)
def test_what_has_ended_needs_nobody(fields: str) -> None:
    assert notes_on_time(state(f"User/a: {{database: mydb, {fields}}}"), NOON) == ()


@pytest.mark.found("A10")
def test_hundreds_of_users_are_one_note() -> None:
    users = "".join(
        f"User/u{i}: {{database: mydb, validUntil: '{LATER}'}}\n" for i in range(MOST_NAMED + 5)
    )
    [note] = notes_on_time(state(users), NOON)
    assert "and 5 more" in note


@pytest.mark.rule("24")
@pytest.mark.found("E342")
def test_a_user_says_until_when_it_has_what_for_a_time() -> None:
    later, now, over = (
        access(**{"from": LATER, "until": LATEST}),
        access(until=LATER),
        access(until=BEFORE),
    )
    found = resolved(
        "Role/r: {database: mydb}\n"
        f"User/a: {{database: mydb, validUntil: '{LATEST}', access: [{later}]}}\n"
        f"User/b: {{database: mydb, access: [{now}]}}\n"
        f"User/c: {{database: mydb, validUntil: '{BEFORE}', access: [{over}]}}\n"
    ).outcomes
    assert {key: set(one.notes) for key, one in found.items() if one.notes} == {
        "User/default/a": {
            f"Access later: Role 'r' from {LATER} until {LATEST}.",
            f"Access now: it may log in until {LATEST}.",
        },
        "User/default/b": {f"Access now: Role 'r' until {LATER}."},
        "User/default/c": {
            f"Access over: Role 'r' ended at {BEFORE}.",
            f"Access over: it expired at {BEFORE} and cannot log in.",
        },
    }
