"""What a list says of the server's time, beside its objects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.informer import Informer, Timing
from controller.kube.kinds import SECRET, JsonObject
from shared.backoff import Backoff
from tests.unit.kube.test_cache import item

Batch = list[bytes]


class Answers:
    """An API server that lists these, one after the other, and keeps no events."""

    def __init__(self, *lists: tuple[list[JsonObject], str]) -> None:
        self._lists = list(lists)

    async def list(self, *_: object, **__: object) -> tuple[list[JsonObject], str]:
        if not self._lists:
            await asyncio.Event().wait()
        return self._lists.pop(0)

    def watch_lines(self, *_: object, **__: object) -> AsyncIterator[Batch]:
        return _expired()


async def _expired() -> AsyncIterator[Batch]:
    nothing: tuple[Batch, ...] = ()
    for batch in nothing:
        yield batch
    raise ApiError(410, "Expired", "too old resource version")


async def went_back(*lists: tuple[list[JsonObject], str]) -> bool:
    """Whether that was seen when the last list was taken in."""
    listed, taken = 0, asyncio.Event()

    def count(_: object) -> None:
        nonlocal listed
        listed += 1
        if listed == len(lists):
            taken.set()

    informer = Informer(
        cast(KubeApi, Answers(*lists)),
        SECRET,
        on_change=count,
        timing=Timing(backoff=lambda: Backoff(first=0.001, longest=0.001)),
    )
    running = asyncio.create_task(informer.run())
    await taken.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return informer.went_back is not None


LATER: Any = ([item("a", 40)], "50")


@pytest.mark.found("E141")
@pytest.mark.parametrize(
    ("restored", "is_seen"),
    [
        (([item("a", 39)], "45"), True),
        (([item("a", 39)], "70"), True),
        (([item("a", 60)], "70"), False),
        (([item("a", 39, "u2")], "70"), False),
    ],
    ids=["an older list", "a list that has grown past", "an edit", "made again"],
)
async def test_a_restored_store_is_seen_though_it_has_grown_since(
    restored: tuple[list[JsonObject], str], is_seen: bool
) -> None:
    assert await went_back(LATER, restored) is is_seen
