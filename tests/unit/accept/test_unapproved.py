"""What an entry goes on with while nobody has approved the push before (rules 18, 20a)."""

from __future__ import annotations

from typing import Any

import pytest

from regent.accept.evidence import signs_of_restore
from regent.accept.merge import accept
from regent.gate.approval import (
    in_force,
    last_in_force,
    making_way,
    put_in_force,
    settled,
    waits,
)
from regent.remembered import AcceptedState, BrakeMemory
from shared.state import Trouble, etag
from tests.declared import NOON, state

pytestmark = [pytest.mark.found("E314"), pytest.mark.rule("18"), pytest.mark.rule("20a")]
PERMISSIONS = """
Permission/read: {database: mydb, schemas: [schema1], actions: [SELECT], tables: ["*"]}
Permission/all: {database: mydb, schemas: ["*"], actions: [SELECT, DELETE], tables: ["*"]}
"""
KEY = "Role/default/r"
HELD = {KEY: Trouble(reason="Invalid", message="It cannot be read.")}


def role(permissions: str) -> str:
    return PERMISSIONS + f"Role/r: {{database: mydb, permissions: [{permissions}]}}\n"


class Pushes:
    """A Regent under Manual that is pushed to."""

    def __init__(self) -> None:
        self.brake = BrakeMemory()
        self.last: AcceptedState | None = None

    def push(self, text: str, *, uid: str = "", generation: int = 1, **more: Any) -> AcceptedState:
        revision = self.last.state.revision + 1 if self.last else 1
        new = state(text, revision=revision, regent={"approval": "Manual"}, **more)
        if uid:
            entry = new.resources[KEY].model_copy(update={"uid": uid, "generation": generation})
            new = new.model_copy(update={"resources": {**new.resources, KEY: entry}})
        if self.last:
            assert not signs_of_restore(self.last, new)
        now = accept(self.last, new, etag(new), NOON, instead=last_in_force(self.brake, self.last))
        self.brake = settled(making_way(self.brake, self.last, now), now)
        self.last = now
        return now

    def approve(self) -> None:
        self.brake = put_in_force(self.brake, "")

    def permissions(self) -> tuple[str, ...] | None:
        """What the Role lists in the state that is in force."""
        assert self.last is not None
        entry = in_force(self.brake, self.last).state.resources.get(KEY)
        if entry is None:
            return None
        assert entry.kind == "Role"
        return entry.spec.permissions


@pytest.fixture
def pushes() -> Pushes:
    """With a first state that was approved."""
    found = Pushes()
    found.push(role("read"), uid="one")
    found.approve()
    return found


def test_who_waits_for_a_reference_waits_in_the_form_that_was_approved(pushes: Pushes) -> None:
    pushes.push(role("read, all"))
    pushed = pushes.push(role("read, typo"))
    for _ in range(2):
        before = pushed.before[KEY]
        assert before.kind == "Role"
        assert before.spec.permissions == ("read",)
        pushed = pushes.push(role("read, typo"))


@pytest.mark.parametrize("how", ["held", "vanished"])
def test_what_cannot_be_compiled_goes_on_with_what_was_approved(pushes: Pushes, how: str) -> None:
    """And its uid and generation are those of the last push, by which an older one is told."""
    pushes.push(role("read, all"), uid="two", generation=3)
    more: dict[str, Any] = {"held": HELD} if how == "held" else {"absent_means": "Vanished"}
    last = pushes.push(PERMISSIONS + "Role/new: {database: mydb}\n", **more)
    assert waits(pushes.brake)
    assert KEY in last.state.held
    assert KEY not in last.departed
    assert (last.state.resources[KEY].uid, last.state.resources[KEY].generation) == ("two", 3)
    assert set(last.past) == {"one"}
    pushes.approve()
    assert pushes.permissions() == ("read",)
    pushes.push(role("read, all"), uid="two", generation=4)


@pytest.mark.parametrize("how", ["held", "vanished"])
@pytest.mark.parametrize("is_first", [True, False])
def test_what_nobody_ever_approved_goes_on_with_nothing(how: str, is_first: bool) -> None:
    pushes = Pushes()
    if not is_first:
        pushes.push(PERMISSIONS)
        pushes.approve()
    pushes.push(role("all"), uid="one")
    more: dict[str, Any] = {"held": HELD} if how == "held" else {"absent_means": "Vanished"}
    last = pushes.push(PERMISSIONS + "Role/new: {database: mydb}\n", **more)
    assert (KEY in last.state.held) is (how == "held")
    pushes.approve()
    assert pushes.permissions() is None
    if how == "held":
        assert KEY not in last.departed
        pushes.push(role("read"), uid="one")
        pushes.approve()
        assert pushes.permissions() == ("read",)


def test_what_it_names_was_seen_though_a_push_between_did_not_name_it(pushes: Pushes) -> None:
    """So what goes on as approved does not wait for a Permission that is deleted."""
    only_all = "".join(line + "\n" for line in PERMISSIONS.splitlines() if "/all" in line)
    pushes.push(only_all + "Role/r: {database: mydb, permissions: [all]}\n")
    pushes.push(only_all)
    last = pushes.push(only_all + "Role/r: {database: mydb, permissions: [all]}\n")
    last = pushes.push(only_all, held=HELD)
    assert "Permission/default/read" in last.ever_seen
    assert last.before == {}


def test_once_approved_a_form_is_gone_on_with_as_ever(pushes: Pushes) -> None:
    pushes.push(role("read, all"))
    pushes.approve()
    last = pushes.push(role("read, typo"))
    before = last.before[KEY]
    assert before.kind == "Role"
    assert before.spec.permissions == ("read", "all")
