"""What of roles that nobody declares waits for a person (rules 11 and 20)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regent.changes import DisableRole
from regent.desired import Desired
from regent.gate.baseline import explicit_baseline
from regent.gate.brake_memory import is_judged, released
from regent.gate.limits import limits_exceeded
from regent.gate.losses import LOGIN, ROLE, Atom
from regent.observed import ObjectGroup, Observed, ObservedDatabase
from regent.passes.full import decided
from regent.passes.look import Looked, Memory, compared
from regent.plan.matching import Compilations
from regent.remembered import AcceptedState, BrakeMemory
from regent.resolve import Situation, resolve
from shared.names import OWNER_ROLE
from shared.privileges import ObjectKind
from shared.resources import Brake
from tests.declared import NOON, REGENT, accepted, resolved, role, server, state

pytestmark = pytest.mark.rule("11", "20")
MANY = "\n".join(f"User/u{n}: {{database: mydb}}" for n in range(200))


@pytest.mark.found("E181")
@pytest.mark.parametrize(("count", "waits"), [(4, False), (5, True)])
def test_five_of_them_wait_however_many_roles_are_managed(count: int, waits: bool) -> None:
    known = resolved(MANY).desired
    strangers = frozenset((f"s{n}", n) for n in range(count))
    lost = frozenset(Atom(name, ROLE, LOGIN) for name, _ in strangers)
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


STRANGERS = server(*(role(f"app{n}", login=True) for n in range(8)))
ELSEWHERE = (ObjectGroup(ObjectKind.DATABASE, None, OWNER_ROLE, (), ("home1",), (7,)),)


def look(memory: BrakeMemory, now: AcceptedState, *, waits: bool) -> tuple[BrakeMemory, Looked]:
    """One look and what is remembered of it, beside another home database or not."""
    on = replace(STRANGERS, databases=ELSEWHERE if waits else ())
    situation = Situation(
        accepted=now, marks=(), server=on, regent=REGENT, served=("mydb",), now=NOON
    )
    looked = compared(
        situation,
        resolve(situation),
        Observed(on, {"mydb": ObservedDatabase("mydb")}),
        {},
        Memory(accepted=now, brake=memory),
        Compilations(2),
    )
    return decided(memory, looked, now, NOON), looked


def put_out(looked: Looked) -> list[str]:
    return [one.role for one in looked.verdict.plan.changes if isinstance(one, DisableRole)]


@pytest.mark.found("E282")
@pytest.mark.parametrize("before", ["Ignore", "Report", "Disable"])
def test_what_waited_to_disable_many_is_judged_when_the_wait_is_over(before: str) -> None:
    """Seen: all were put out at once, the owner of the application too, as the wait had judged it.

    `Ignore`: nothing was judged before. `Disable`: a pattern of `ignoreRoles` is taken out.
    """
    memory = BrakeMemory()
    known = accepted(state("", regent={"unmanagedRoles": before, "ignoreRoles": ["app*"]}))
    if before != "Ignore":
        memory, _ = look(memory, known, waits=False)
    for revision in (2, 3):
        pushed = state("", regent={"unmanagedRoles": "Disable"}, revision=revision)
        known = accepted(pushed, known)
        memory, waiting = look(memory, known, waits=True)
        again, waiting = look(memory, known, waits=True)
        assert again.baseline is memory.baseline
        assert not waiting.wanted.changes
        assert is_judged(memory, known)
    pulled, over = look(memory, known, waits=False)
    assert over.verdict.is_pulled
    assert put_out(over) == []
    # It waits anew, and then a person releases it: this is done once, and is drift from then on.
    pulled, _ = look(pulled, known, waits=True)
    assert not pulled.pulled_at
    pulled, over = look(pulled, known, waits=False)
    let, over = look(released(pulled, over.verdict.digest), known, waits=False)
    assert len(put_out(over)) == 8
    assert let.baseline == known
    assert len(put_out(look(let, known, waits=False)[1])) == 8


@pytest.mark.found("E282")
def test_twin_whoever_comes_during_a_wait_is_drift_where_disable_was_judged_before() -> None:
    known = accepted(state("", regent={"unmanagedRoles": "Disable"}, revision=1))
    memory = BrakeMemory(baseline=known)
    memory, _ = look(memory, known, waits=True)
    assert len(put_out(look(memory, known, waits=False)[1])) == 8
