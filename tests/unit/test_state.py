"""A state is named by its content, wherever it is read: else it would be pushed for ever."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.state import (
    LARGEST_NUMBER,
    DesiredState,
    Trouble,
    WrittenState,
    after,
    etag,
    parts_of,
)
from tests.declared import REFERENCE, VERIFIER, state

NAMES = st.sampled_from(["a", "b", "summer-intern-2", "flights-admin", "x.y"])
LISTS = st.lists(NAMES, unique=True, max_size=4)
IDENTIFIERS = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=15)
VALUES = st.one_of(
    st.integers(-(2**31), 2**31 - 1),
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=20),
)
SETTINGS = st.dictionaries(st.sampled_from(["work_mem", "search_path", "app.x"]), VALUES)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
MOMENTS = st.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
TIMES = st.builds(lambda moment, zone: moment.astimezone(zone).isoformat(), MOMENTS, ZONES)
FLAGS = st.none() | st.booleans()
PASSWORDS = st.one_of(
    st.none(),
    st.just({"verifier": VERIFIER, "note": "One trailing newline was cut."}),
    st.just({"trouble": {"reason": "SecretNotFound", "message": "Secret default/s is not there"}}),
)


def given_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Absent as well as null, as both are written."""
    return {name: value for name, value in fields.items() if value != "absent"}


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Or not there."""
    return st.just("absent") | strategy


SHARED = {
    "permissions": maybe(LISTS),
    "parameters": maybe(SETTINGS),
    "databaseParameters": maybe(st.dictionaries(IDENTIFIERS, SETTINGS, max_size=2)),
    "attributes": maybe(st.fixed_dictionaries({"createdb": FLAGS, "inherit": FLAGS})),
    "adopt": maybe(FLAGS),
    "memberOf": maybe(st.lists(st.fixed_dictionaries({"role": NAMES, "admin": FLAGS}), max_size=2)),
}
USERS = st.fixed_dictionaries(
    {
        **SHARED,
        "database": IDENTIFIERS,
        "roles": maybe(LISTS),
        "validUntil": maybe(st.none() | TIMES),
        "enabled": maybe(FLAGS),
        "connectionLimit": maybe(st.none() | st.integers(-1, 100)),
        "access": maybe(
            st.lists(
                st.fixed_dictionaries({"role": NAMES, "until": TIMES, "reason": st.just("é\n")}),
                max_size=2,
            )
        ),
    }
).map(given_fields)
ROLES = st.fixed_dictionaries({**SHARED, "database": IDENTIFIERS}).map(given_fields)


@st.composite
def states(draw: st.DrawFn) -> DesiredState:
    """Users and Roles with fields that are there, null, default or absent."""
    resources: dict[str, Any] = {}
    for name in draw(LISTS):
        resources[f"Role/default/{name}"] = {"kind": "Role", "spec": draw(ROLES)}
    for name in draw(LISTS):
        entry = {"kind": "User", "generation": draw(st.integers(0, 9)), "spec": draw(USERS)}
        resources[f"User/default/{name}"] = {**entry, "password": draw(PASSWORDS)}
    base = state("", deleted=tuple(f"Role/default/{name}" for name in draw(LISTS))).revealed()
    held = {"Role/default/h": {"reason": "Invalid", "message": "is not ✓"}}
    return DesiredState.model_validate({**base, "resources": resources, "held": held})


@pytest.mark.rule("17")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(states())
def test_what_is_read_from_the_wire_has_the_name_of_what_was_written(
    declared: DesiredState,
) -> None:
    """However it is read: a differing name would be a push, for ever."""
    written = WrittenState.of(declared)
    by_pydantic = DesiredState.model_validate_json(written.body)
    by_python = DesiredState.model_validate(json.loads(written.body))
    assert by_pydantic == by_python == declared
    assert WrittenState.of(by_pydantic) == WrittenState.of(by_python) == written


@pytest.mark.rule("17")
@pytest.mark.found("E126")
def test_a_push_has_a_name_of_its_own_and_what_it_says_another() -> None:
    """The same declarations are pushed once; declared again after others they are another push."""
    one = state(REFERENCE, revision=1)
    again = one.model_copy(update={"revision": 2})
    assert etag(one) != etag(again)
    assert parts_of(etag(one)) == (1, WrittenState.of(again).content)
    held = {"Role/default/x": Trouble(reason="Invalid", message="no")}
    for other in ({"origin": "elsewhere"}, {"deleted": ("User/default/a",)}, {"held": held}):
        said = parts_of(etag(one.model_copy(update=other)))
        assert said[0] == 1
        assert said[1] != WrittenState.of(one).content


@pytest.mark.found("E126")
@pytest.mark.parametrize(
    "name", ["abc", "", "-abc", "x-abc", "9999999999999999999999-abc", "²-abc"]
)
def test_a_name_without_a_revision_is_older_than_any(name: str) -> None:
    """As a Regent of an older version has it."""
    assert parts_of(name) == (0, name.rpartition("-")[2])


@pytest.mark.found("E126")
def test_a_push_after_another_is_newer_and_has_a_revision_still() -> None:
    one = state(REFERENCE, revision=5)
    assert after(one, 3) is one
    assert after(one, 5).revision == 6
    assert after(one, LARGEST_NUMBER).revision == LARGEST_NUMBER


@pytest.mark.rule("17")
def test_a_verifier_counts_for_the_name_and_is_not_shown() -> None:
    """A changed password is a push."""
    one, other = (
        state("User/u: {database: mydb}", passwords={"User/u": {"verifier": verifier}})
        for verifier in (VERIFIER, VERIFIER.replace("A", "C"))
    )
    assert etag(one) != etag(other)
    assert VERIFIER not in repr(WrittenState.of(one))
