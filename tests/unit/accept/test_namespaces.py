"""A namespace that is gone, and one that is shut out: what is held, and what ends (rules 3, 17)."""

from __future__ import annotations

import pytest

from regent.accept.merge import LastInForce, accept
from tests.declared import NOON, accepted, state

SELECTED = {"selector": {"matchLabels": {"access": "shop"}}, "allow": {"names": ["*"]}}
NAMED = {"names": ["team-b"], "allow": {}}
ROLE = "Role/team-a/reader: {database: mydb}\n"
BEFORE = accepted(state(ROLE, regent={"allowedNamespaces": [SELECTED]}, namespaces={"team-a": 0}))


@pytest.mark.rule("3", "17")
def test_the_entry_of_a_namespace_that_is_gone_goes_on_for_what_is_held() -> None:
    """Where it stands in the list by now; narrowed where it is."""
    narrow = {**SELECTED, "allow": {"names": []}}
    vanished = state("", revision=2, absent_means="Vanished",
                     regent={"allowedNamespaces": [NAMED, narrow]})  # fmt: skip
    found = accept(BEFORE, vanished, "", NOON).state
    assert set(found.held) == {"Role/team-a/reader"}
    assert found.regent.namespaces == {"team-a": 1}


@pytest.mark.rule("3", "20")
def test_the_entry_of_a_namespace_goes_on_while_what_is_deleted_of_it_waits_for_a_person() -> None:
    """By it the brake counts what would be lost."""
    regent = {"allowedNamespaces": [SELECTED]}
    gone = state("", revision=2, regent=regent, deleted=("Role/team-a/reader",))
    first = accept(BEFORE, gone, "", NOON)
    again = accept(first, state("", revision=3, regent=regent), "", NOON)
    assert again.state.regent.namespaces == {"team-a": 0}


@pytest.mark.rule("3")
def test_an_entry_that_is_taken_out_goes_on_for_nobody() -> None:
    vanished = state("", revision=2, absent_means="Vanished", regent={"allowedNamespaces": [NAMED]})
    assert accept(BEFORE, vanished, "", NOON).state.regent.namespaces is None


@pytest.mark.rule("3", "20")
def test_what_is_shut_out_is_told_from_what_is_deleted() -> None:
    shut = state("", revision=2, elsewhere=("Role/team-a/reader",))
    gone = state("", revision=2, deleted=("Role/team-a/reader",))
    [out] = accept(BEFORE, shut, "", NOON).departed.values()
    [deleted] = accept(BEFORE, gone, "", NOON).departed.values()
    assert (out.is_shut_out, deleted.is_shut_out) == (True, False)


@pytest.mark.rule("3", "20a")
@pytest.mark.found("E333")
def test_the_entry_that_was_approved_goes_on_where_a_push_that_waits_has_another_one() -> None:
    """What was approved is declared again: it must not look like something else, and wait."""
    manual = {"approval": "Manual", "allowedNamespaces": [SELECTED]}
    approved = accepted(state(ROLE, regent=manual, namespaces={"team-a": 0}))
    other = {**manual, "allowedNamespaces": [{**NAMED, "names": ["team-a"]}]}
    pushed = state(ROLE, revision=2, regent=other, namespaces={"team-a": 0})
    waits = accept(approved, pushed, "", NOON)
    again = state("", revision=3, absent_means="Vanished", regent=manual)
    found = accept(waits, again, "", NOON, instead=LastInForce(approved)).state
    assert found.regent.namespaces == {"team-a": 0}
