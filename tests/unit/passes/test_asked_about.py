"""Whose holdings a look reads before it resolves: every form that may count (rules 10, 18)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from regent.accept.merge import accept
from regent.passes.look import asked_about
from shared.state import etag
from tests.declared import NOON, REGENT, accepted, state

BEFORE = "User/app: {database: mydb, userName: nobody}\n"
AFTER = "User/app: {database: mydb, userName: owner, adopt: true, permissions: [never-seen]}\n"


@pytest.mark.found("E110")
@pytest.mark.rule("10")
def test_the_holdings_of_both_names_are_read_while_a_new_form_waits() -> None:
    """After a minute the new form counts, and with it the role that it adopts."""
    new = state(AFTER, revision=2)
    waiting = accept(accepted(BEFORE), new, etag(new), NOON + timedelta(minutes=1))
    assert waiting.before
    assert asked_about(waiting, (), REGENT).names == {"nobody", "owner"}
