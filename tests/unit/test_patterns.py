"""Shell patterns mean what they mean everywhere, and none costs more than its length."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from regent.plan.matching import NameRules
from shared.patterns import literal_of, matcher
from shared.resources import PermissionSpec

WITHOUT_ESCAPES = st.text("ab-]*?[!", max_size=14).filter(lambda text: "[^" not in text)
NAMES = st.text("ab-]*[!", max_size=10)
MANY_STARS = "*a" * 30
LONG_NAME = "a" * 62 + "b"


@pytest.mark.rule("13")
@given(WITHOUT_ESCAPES, NAMES)
@example("[a-b-]", "-")
@example("*a*ab", "aab")
@example("[!]a-]*", "b")
@example("a**b", "ab")
def test_a_pattern_matches_what_the_shell_matches(pattern: str, name: str) -> None:
    assert matcher([pattern])(name) is fnmatchcase(name, pattern)


@pytest.mark.rule("13")
@given(st.lists(WITHOUT_ESCAPES, max_size=4), NAMES)
def test_several_patterns_match_what_any_of_them_matches(patterns: list[str], name: str) -> None:
    expected = any(fnmatchcase(name, pattern) for pattern in patterns)
    assert matcher(patterns)(name) is expected
    rules = NameRules(enumerate([(pattern,) for pattern in patterns if pattern]))
    assert rules.signature(name) == tuple(
        index
        for index, pattern in enumerate(pattern for pattern in patterns if pattern)
        if fnmatchcase(name, pattern)
    )


@pytest.mark.rule("13")
@given(st.text(min_size=1, max_size=10), NAMES)
def test_a_backslash_takes_the_meaning_from_what_follows(name: str, other: str) -> None:
    escaped = re.sub(r"(.)", r"\\\1", name, flags=re.DOTALL)
    assert literal_of(escaped) == name
    assert matcher([escaped])(name)
    assert matcher([escaped])(other) is (other == name)
    assert literal_of(escaped + "*") is None
    assert matcher([escaped + "*"])(name + other)


@pytest.mark.found("B12")
def test_many_stars_cost_no_more_than_their_length() -> None:
    """Matched by backtracking, the first of these never ends."""
    assert not matcher([MANY_STARS])(LONG_NAME)
    assert not matcher(["*?a" * 30])(LONG_NAME)
    assert not matcher(["*[ab]a" * 30])(LONG_NAME)
    assert matcher([MANY_STARS + "*"])(LONG_NAME)


@pytest.mark.found("B12")
def test_a_range_that_runs_backwards_matches_nothing_and_stops_nothing() -> None:
    """As a regular expression it is an error, which would end the pass."""
    assert not matcher(["[z-a]"])("m")
    assert matcher(["[z-ax]"])("x")
    assert matcher(["[!z-a]"])("m")


@pytest.mark.found("B12")
def test_a_range_that_runs_backwards_is_refused_where_it_is_written() -> None:
    spec = {"database": "mydb", "schemas": ["app_[z-a]*"], "actions": ["USAGE"]}
    with pytest.raises(ValidationError, match="range z-a, which runs backwards"):
        PermissionSpec.model_validate(spec)
