"""Label selectors, as kubectl takes them."""

from __future__ import annotations

import pytest

from cli.selector import BadSelectorError, selector_of

LABELS: tuple[dict[str, str], ...] = (
    {"team": "a", "env": "prod"},
    {"team": "b"},
    {"legacy": ""},
    {},
)


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("team=a", [0]),
        ("team == a , env=prod", [0]),
        ("team=a,env=test", []),
        ("team!=a", [1, 2, 3]),
        ("team in (a, b)", [0, 1]),
        ("team notin (a),!legacy", [1, 3]),
        ("legacy", [2]),
        ("legacy=", [2]),
        ("example.com/team=a", []),
    ],
)
def test_whoever_meets_all_of_it_is_selected(text: str, selected: list[int]) -> None:
    found = [n for n, one in enumerate(LABELS) if selector_of(text).matches(one)]
    assert found == selected


@pytest.mark.parametrize("text", ["", "team=a,", "team in a", "te am=a", "team=a b", "=a", "!"])
def test_what_is_none_is_said(text: str) -> None:
    with pytest.raises(BadSelectorError) as refused:
        selector_of(text)
    assert repr(text) in str(refused.value)
