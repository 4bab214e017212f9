"""A role whose name the Regent lists no more gets nothing more (rule 3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regent.changes import Effect, GrantMembership
from regent.observed import ObservedMembership
from regent.plan.bounded import without_gains
from tests.declared import role, server


@pytest.mark.found("E251")
@pytest.mark.rule("3")
def test_a_membership_that_is_narrowed_adds_no_option_beside() -> None:
    """Seen: ADMIN was given with the GRANT that took INHERIT. The twin: a role that is listed."""
    has = ObservedMembership("crew", "bob", "my-admin", admin=False, inherit=True, set_role=True)
    there = replace(server(role("crew"), role("bob")), memberships=(has,))
    narrowing = GrantMembership("crew", "bob", True, False, True, effect=Effect.NARROW)
    [left] = without_gains([narrowing], {"bob"}, there)
    assert left == replace(narrowing, admin=False)
    assert list(without_gains([narrowing], {"ann"}, there)) == [narrowing]
    kept = replace(there, memberships=(replace(has, admin=True),))
    assert list(without_gains([narrowing], {"bob"}, kept)) == [narrowing]
