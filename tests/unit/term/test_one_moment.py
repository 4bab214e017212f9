"""What a look has read is judged by what was known when it was read, not by what synced since."""

from __future__ import annotations

from typing import Any

import pytest

from controller.core.compile import Compiled, compile_states
from controller.lifecycle.finalizers import FINALIZER
from controller.regents.acquaintance import Acquaintance
from controller.regents.heard import Met
from controller.term import pushing
from shared.keys import ResourceKey
from shared.state import DesiredState
from tests.unit.cluster.one_look import Request, World, regent

pytestmark = pytest.mark.found("E26")
PERMISSION = ResourceKey("Permission", "here", "read")
ROLE = ResourceKey("Role", "here", "viewer")


class Starting(World):
    """A look during which everything syncs: with its first write, a finalizer."""

    def __init__(self) -> None:
        super().__init__()
        self.states: list[DesiredState] = []
        self.api.refuses = self._sync

    def _sync(self, request: Request) -> bool:
        if request.verb == "patch":
            self.list_the_rest()
        return False

    def list_the_rest(self) -> None:
        """What had not been listed when the look began."""

    def served(self) -> None:
        served = self.serve("here")
        named = frozenset(map(str, (PERMISSION, ROLE)))
        served.link.acquaintance = Acquaintance("1", named, {})
        served.link.push = self.states.append  # type: ignore[method-assign, assignment]

    async def looks_again(self) -> DesiredState:
        """Nothing was pushed by the first look, one state by the second."""
        await self.look()
        assert self.states == []
        await self.look()
        (state,) = self.states
        return state


@pytest.mark.rule("17")
async def test_what_is_listed_while_a_look_is_under_way_is_not_deleted_by_it() -> None:
    """A new leader's Permissions were listed last: it told the Regent that all were deleted."""

    class PermissionsLast(Starting):
        def list_the_rest(self) -> None:
            self.caches.why = ""
            self.declare(PERMISSION)["spec"]["actions"] = ["CONNECT"]

    world = PermissionsLast()
    world.declare(regent("here"))
    world.declare(ROLE)
    world.served()
    world.caches.why = "permissions: not listed yet"
    state = await world.looks_again()
    assert state.deleted == ()
    assert str(PERMISSION) in state.resources


@pytest.mark.rule("20")
async def test_a_role_whose_regent_is_listed_while_a_look_is_under_way_keeps_its_finalizer() -> (
    None
):
    """Without it a deletion goes unseen."""
    new = ResourceKey("Role", "here", "new")

    class RegentsLast(Starting):
        def list_the_rest(self) -> None:
            self.caches.why = ""

    world = RegentsLast()
    world.declare(ROLE, finalizers=[FINALIZER])
    world.declare(new)
    world.caches.why = "regents: not listed yet"
    await world.look()
    assert [one.name for one in world.api.writes if one.verb == "patch"] == [new.name]


@pytest.mark.rule("19")
async def test_secrets_that_are_listed_while_a_look_is_under_way_are_not_told_as_missing() -> None:
    class SecretsLast(Starting):
        def list_the_rest(self) -> None:
            self.caches.unlisted_secrets = frozenset()

    world = SecretsLast()
    user = ResourceKey("User", "here", "intern")
    reference = {"name": "mydb-passwords", "key": "admin"}
    world.declare(user)["spec"] |= {"passwordSecretRef": reference}
    world.declare(regent("here"))
    world.served()
    world.caches.unlisted_secrets = frozenset({"here"})
    entry = (await world.looks_again()).resources[str(user)]
    assert entry.kind == "User"
    assert entry.password is not None
    assert entry.password.trouble is None


@pytest.mark.rule("19")
@pytest.mark.parametrize("is_met_before", [False, True], ids=["for the first time", "anew"])
async def test_what_was_compiled_before_a_regent_was_met_is_not_pushed_to_it(
    is_met_before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was compiled without the passwords in force, so the push said that nobody manages them.

    As while a CA is replaced: another link meets the Regent while a look is under way.
    """
    world = Starting()
    user = ResourceKey("User", "here", "intern")
    reference = {"name": "mydb-passwords", "key": "admin"}
    world.declare(user)["spec"] |= {"passwordSecretRef": reference}
    world.declare(regent("here"))
    world.served()
    fleet = world.term.acting.fleet
    link = fleet.served[regent("here")].link
    known = link.acquaintance
    if not is_met_before:
        link.acquaintance = None
    heard = [Met(regent("here"))]

    def meeting(*arguments: Any, **named: Any) -> Compiled:
        compiled = compile_states(*arguments, **named)
        link.acquaintance = known
        while heard:
            fleet.hear(heard.pop())
        return compiled

    monkeypatch.setattr(pushing, "compile_states", meeting)
    entry = (await world.looks_again()).resources[str(user)]
    assert entry.kind == "User"
    assert entry.password is not None
