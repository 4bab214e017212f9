"""Marks name facts, rules and findings that are written down."""

from __future__ import annotations

import re

from tests.architecture.evidence import LISTS, Mark, listed, marks_in, unknown


def test_every_mark_names_a_listed_line() -> None:
    assert unknown() == []


def test_both_lists_are_read_whole() -> None:
    for kind, path in LISTS.items():
        lines = [line for line in path.read_text("utf-8").splitlines() if line.startswith("- **")]
        assert len(listed(kind)) == len(lines) > 20, (
            f"{path.name}: an id is there twice or malformed"
        )


def test_ids_of_facts_say_their_chapter() -> None:
    assert all(re.fullmatch(r"PG-(EVENT|ACL|ROLE|WATCH)-\d+", name) for name in listed("fact"))


def test_marks_are_found_wherever_they_stand() -> None:
    source = (
        "pytestmark = pytest.mark.rule('8')\n"
        "@pytest.mark.fact('A', 'B')\n"
        "async def test_x(): ...\n"
        "@pytest.mark.parametrize('a', [pytest.param(1, marks=pytest.mark.fact('C'))])\n"
        "@pytest.mark.slow\n"
        "def test_y(a): ...\n"
    )
    found = sorted(marks_in(source, "f"), key=lambda mark: mark.name)
    assert found == [
        Mark("rule", "8", "f:1"),
        Mark("fact", "A", "f:2"),
        Mark("fact", "B", "f:2"),
        Mark("fact", "C", "f:4"),
    ]


def test_a_table_of_cases_counts_with_the_ids_in_it() -> None:
    source = (
        "CASES = [('PG-ACL-1', 'GRANT'), ('PG-ACL-2', 'REVOKE')]\n"
        "MARKED = [pytest.param(s, marks=pytest.mark.fact(f)) for f, s in CASES]\n"
    )
    assert {mark.name for mark in marks_in(source, "f")} == {"PG-ACL-1", "PG-ACL-2"}


def test_a_rule_is_named_where_it_is_marked() -> None:
    assert [mark.name for mark in marks_in("pytest.mark.rule(name)", "f")] == ["name"]
