"""What is refused about one object is tried again by itself, and holds up nothing else."""

from __future__ import annotations

from typing import Any, cast

import pytest

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.retries import LONGEST_SECONDS, Retries
from controller.lifecycle.finalizer_patches import FinalizerPatches
from controller.lifecycle.finalizers import FINALIZER
from controller.lifecycle.holding import Holding
from controller.observe.reader import Reader
from shared.keys import ResourceKey
from tests.unit.cluster.objects import REGENT_SPEC, raw

pytestmark = pytest.mark.found("B20")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Api:
    """Takes patches, but for those of one name."""

    def __init__(self, refused: str = "", status: int = 422) -> None:
        self.asked: list[str] = []
        self._refused = refused
        self._status = status

    async def patch(self, _kind: object, _namespace: str, name: str, _body: object) -> Any:
        self.asked.append(name)
        if name == self._refused:
            raise ApiError(self._status, "Invalid", "it is invalid")


def held_by(api: Api, clock: Clock, told: list[str]) -> tuple[Holding, FinalizerPatches]:
    patches = FinalizerPatches(cast(KubeApi, api), clock)
    removed = lambda found: told.append(found["metadata"]["name"])  # noqa: E731 - one line
    return Holding(patches, removed, clock), patches


def declared(*users: dict[str, Any]) -> Any:
    objects = [("Regent", raw("Regent", "one", REGENT_SPEC, finalizers=[FINALIZER]))]
    return Reader().read([*objects, *(("User", user) for user in users)])  # type: ignore[list-item]


def user(name: str, version: int = 7, *, held: bool = False) -> dict[str, Any]:
    finalizers = {"finalizers": [FINALIZER]} if held else {}
    return raw("User", name, {"database": "mydb"}, resourceVersion=str(version), **finalizers)


@pytest.mark.parametrize("status", [422, 403, 409])
async def test_a_refused_finalizer_is_tried_again_more_and_more_slowly(status: int) -> None:
    clock, told = Clock(), list[str]()
    api = Api("bad", status)
    holding, patches = held_by(api, clock, told)
    bad = ResourceKey("User", "default", "bad")
    waits: list[float] = []
    for version in range(12):
        for _ in range(3):  # looks for other news, in between
            found = declared(user("bad", version), user("good"))
            assert await holding.hold(found, frozenset()) == {bad}
        waits.append(patches.retries.seconds_left() or 0.0)
        clock.now += waits[-1]
    assert waits[0] == 1.0
    assert waits[-1] == LONGEST_SECONDS
    assert waits == sorted(waits)
    assert api.asked == ["bad", "good", *["bad"] * 11]
    assert set(patches.refused) == ({bad} if status != 409 else set())


async def test_what_is_settled_needs_no_other_look() -> None:
    clock, told = Clock(), list[str]()
    holding, patches = held_by(Api("bad"), clock, told)
    await holding.hold(declared(user("bad")), frozenset())
    await holding.hold(declared(user("bad", 8, held=True)), frozenset())
    assert patches.retries.seconds_left() is None
    assert holding.retries.seconds_left() is None


@pytest.mark.found("A6")
async def test_a_finalizer_goes_by_the_object_and_not_by_memory() -> None:
    """A cache that is behind is no removal; a newer version without it is one."""
    clock, told = Clock(), list[str]()
    api = Api()
    holding, _ = held_by(api, clock, told)
    await holding.hold(declared(user("a", 7)), frozenset())
    assert await holding.hold(declared(user("a", 7)), frozenset()) == frozenset()
    assert (api.asked, told) == (["a"], []), "the cache has not heard of our patch yet"
    await holding.hold(declared(user("a", 8, held=True)), frozenset())
    for version in range(9, 60):
        await holding.hold(declared(user("a", version)), frozenset())
    assert len(told) == 1, "who removes it again at once is not followed at that pace"
    assert holding.retries.seconds_left() is not None
    clock.now += LONGEST_SECONDS
    await holding.hold(declared(user("a", 60)), frozenset())
    assert len(told) == 2


def test_after_a_long_time_a_failure_is_a_first_one_again() -> None:
    clock = Clock()
    retries: Retries[str] = Retries(clock)
    for _ in range(10):
        retries.failed("a")
    assert retries.seconds_left() == LONGEST_SECONDS
    clock.now += 2 * LONGEST_SECONDS
    retries.failed("a")
    assert retries.seconds_left() == 1.0
    retries.begin()
    assert retries.seconds_left() is None, "nobody asked for it in this round"
