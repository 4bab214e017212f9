"""What of roles that nobody declares waits for a person (rules 11 and 20)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regent.desired import Desired
from regent.gate.baseline import explicit_baseline
from regent.gate.limits import limits_exceeded
from regent.gate.losses import LOGIN, ROLE
from regent.remembered import BrakeMemory
from shared.resources import Brake
from tests.declared import NOON, accepted, resolved, state

pytestmark = pytest.mark.rule("11", "20")
MANY = "\n".join(f"User/u{n}: {{database: mydb}}" for n in range(200))


@pytest.mark.found("E181")
@pytest.mark.parametrize(("count", "waits"), [(4, False), (5, True)])
def test_five_of_them_wait_however_many_roles_are_managed(count: int, waits: bool) -> None:
    known = resolved(MANY).desired
    strangers = frozenset((f"s{n}", n) for n in range(count))
    lost = frozenset((name, ROLE, LOGIN, "") for name, _ in strangers)
    desired: Desired = replace(known, disabling=strangers)
    why = limits_exceeded(lost, desired, [known], BrakeMemory(), NOON, Brake())
    assert ("roles that nobody declares would lose LOGIN" in why) is waits


@pytest.mark.found("E182")
def test_whom_the_regent_ignored_before_is_a_loss_of_the_push_that_ends_it() -> None:
    """A line that was taken out, or a pattern with a typo."""
    before = accepted(
        state("", regent={"unmanagedRoles": "Disable", "ignoreRoles": ["app_*"]}, revision=1)
    )
    now = accepted(state("", regent={"unmanagedRoles": "Disable"}, revision=2), before)
    spec = explicit_baseline(before, now, BrakeMemory(), NOON).state.regent.spec
    assert spec.ignore_roles == ("app_*",)
    assert spec.unmanaged_roles == "Disable"
