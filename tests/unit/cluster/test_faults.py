"""A mistake of ours in one Regent's part of a look is said by its condition, and stops no other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from controller.core import compile as compiling
from controller.lifecycle.finalizers import FINALIZER
from controller.observe import reader
from controller.term.term import Term
from shared.keys import ResourceKey
from shared.resources import UNINSTALL_ANNOTATION
from tests.unit.cluster.one_look import OWN, Request, World, regent, user

HELD: dict[str, Any] = {"finalizers": [FINALIZER]}
BAD, FINE = "bad", "fine"


def of_bad(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same, but with a mistake where it is about the namespace `bad`."""

    def failing(*arguments: Any, **named: Any) -> Any:
        for one in arguments:
            key = getattr(one, "key", one)
            if isinstance(key, ResourceKey) and key.namespace == BAD:
                raise ZeroDivisionError
        return function(*arguments, **named)

    return failing


def fails_to_read(_: Term, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reader, "_load", of_bad(reader._load))


def fails_to_ignore(_: Term, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reader, "_ignoring", of_bad(reader._ignoring))


def fails_to_make(term: Term, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(term.acting.plants, "ensure", of_bad(term.acting.plants.ensure))


def fails_to_compile(_: Term, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(compiling._Compiling, "state", of_bad(compiling._Compiling.state))


def fails_to_push(term: Term, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(term.acting.fleet, "push", of_bad(term.acting.fleet.push))


def fails_to_talk(term: Term, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(term.acting.fleet, "talk_to", of_bad(term.acting.fleet.talk_to))


Breaks = Callable[[Term, pytest.MonkeyPatch], None]
PARTS: tuple[Breaks, ...] = (
    fails_to_read, fails_to_ignore, fails_to_make, fails_to_compile, fails_to_push, fails_to_talk,
)  # fmt: skip


def reason(one: World, about: ResourceKey) -> str:
    (ready,) = [c for c in one.api.statuses[about]["conditions"] if c["type"] == "Ready"]
    return str(ready["reason"])


@pytest.mark.found("E28")
@pytest.mark.parametrize("breaks", PARTS, ids=lambda one: one.__name__)
async def test_a_mistake_in_one_regents_part_of_a_look_stops_no_other(
    breaks: Breaks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    one = World()
    for namespace in (BAD, FINE):
        one.declare(regent(namespace), **HELD)
        one.declare(user(namespace), **HELD)
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        breaks(one.term, patch)
        await one.look()
    assert one.pushed == {FINE}
    assert (one.term.gate, one.term.acting.faults.count > 0) == ("", True)
    assert reason(one, regent(BAD)) == "LookFailed"
    assert one.term.acting.retry_after() is not None
    await one.look()
    assert one.pushed == {BAD, FINE}
    assert reason(one, regent(BAD)) != "LookFailed"
    await one.look()
    assert one.term.acting.retry_after() is None


@pytest.mark.found("E28")
async def test_a_mistake_at_the_end_of_one_regent_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = World()
    one.declare(regent(FINE), **HELD)
    going = {**HELD, "deletionTimestamp": "2026-01-01T00:00:00Z"}
    one.declare(regent(BAD), **going)
    one.declare(regent("off"), annotations={UNINSTALL_ANNOTATION: "true"}, **HELD)
    one.unserved = {BAD, "off"}

    async def failing(*_: object) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(one.term.acting.plants, "remove", failing)
    await one.look()
    await one.look()
    assert one.pushed == {FINE}
    assert one.term.gate == ""
    assert one.term.acting.faults.count >= 1


@pytest.mark.found("E28")
async def test_a_regent_whose_workloads_are_refused_is_not_made_at_each_look() -> None:
    """Its words stay, and one that is declared anew is tried at once."""
    one = World()
    one.declare(regent(BAD), **HELD)
    tries: list[Request] = []

    def refuses(request: Request) -> bool:
        is_of_it = request.namespace == OWN and request.verb == "apply"
        tries.extend([request] if is_of_it else [])
        return is_of_it

    one.api.refuses = refuses
    await one.look()
    first = len(tries)
    for _ in range(3):
        await one.look()
    assert len(tries) == first
    assert reason(one, regent(BAD)) == "Api"
    one.declare(regent(BAD), generation=2, **HELD)
    await one.look()
    assert len(tries) == 2 * first


@pytest.mark.found("E28")
async def test_a_refused_status_does_not_hold_up_an_uninstall() -> None:
    one = World()
    one.declare(regent(BAD), annotations={UNINSTALL_ANNOTATION: "true"}, **HELD)
    one.unserved = {BAD}
    one.api.refuses = Request("patch status", "Regent", BAD, "my-regent").__eq__
    await one.look()
    await one.look()
    assert Request("patch", "Regent", BAD, "my-regent") in one.api.writes, "its finalizer goes"
