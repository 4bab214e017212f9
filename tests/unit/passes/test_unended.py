"""Whose deleted User's access goes on is told, whatever its role is called (rules 7 and 27)."""

from __future__ import annotations

import pytest

from regent.passes.unended import unended
from tests.declared import accepted, mark, role, server, state
from tests.unit.gate.test_pauses import look


@pytest.mark.found("E268")
@pytest.mark.rule("7", "27")
@pytest.mark.parametrize("called", ["eve", "renamed-by-hand"])
def test_who_had_a_role_that_is_handed_over_is_found_by_the_name_in_its_mark(called: str) -> None:
    before = accepted(state("User/old: {database: mydb, userName: eve}"))
    after = accepted(
        state(
            "User/new: {database: mydb, userName: eve}", revision=2, deleted=("User/default/old",)
        ),
        before,
    )
    on = server(role(called, oid=4711, login=True))
    found = unended(look(after, on, (), before=before, marks=(mark("eve", "User/old", oid=4711),)))
    assert found.keys() == {"User/default/old"}
    assert found["User/default/old"].reason == "AccessGoesOn"
