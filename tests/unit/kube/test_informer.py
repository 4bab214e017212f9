"""What a list says of the server's time, beside its objects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest

from controller.kube.api import KubeApi
from controller.kube.errors import NO_ANSWER, UNREACHABLE, ApiError
from controller.kube.informer import Informer, Timing, WentBack
from controller.kube.kinds import SECRET, JsonObject
from shared.backoff import Backoff
from tests.unit.kube.test_cache import item

Batch = list[bytes]
Listed = tuple[list[JsonObject], str]


class Answers:
    """An API server that lists these, one after the other; its watches end before their time."""

    def __init__(self, lists: tuple[Listed, ...], failure: ApiError | None) -> None:
        self._lists = list(lists)
        self._failure = failure

    async def list(self, *_: object, **__: object) -> Listed:
        if not self._lists:
            await asyncio.Event().wait()
        return self._lists.pop(0)

    def watch_lines(self, *_: object, **__: object) -> AsyncIterator[Batch]:
        return self._nothing()

    async def _nothing(self) -> AsyncIterator[Batch]:
        nothing: tuple[Batch, ...] = ()
        for batch in nothing:
            yield batch
        if self._failure:
            raise self._failure


async def went_back(*lists: Listed, failure: ApiError | None) -> bool:
    """Whether that was seen when the last list was taken in."""
    listed, taken = 0, asyncio.Event()
    seen: list[WentBack] = []

    def count(_: object) -> None:
        nonlocal listed
        listed += 1
        if listed == len(lists):
            taken.set()

    informer = Informer(
        cast(KubeApi, Answers(lists, failure)),
        SECRET,
        on_change=count,
        on_went_back=seen.append,
        timing=Timing(backoff=lambda: Backoff(first=0.001, longest=0.001)),
    )
    running = asyncio.create_task(informer.run())
    await taken.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return bool(seen)


LATER: Listed = ([item("a", 40)], "50")


@pytest.mark.found("E141")
@pytest.mark.found("E319")
@pytest.mark.parametrize(
    "failure",
    [
        ApiError(410, "Expired", "too old resource version"),
        ApiError(NO_ANSWER, UNREACHABLE, "the connection was cut"),
        None,
    ],
    ids=["expired", "cut", "ended early"],
)
@pytest.mark.parametrize(
    ("restored", "is_seen"),
    [
        (([item("a", 39)], "45"), True),
        (([item("a", 39)], "70"), True),
        (([item("a", 60)], "70"), False),
        (([item("a", 39, "u2")], "70"), False),
        (([item("a", 40), item("b", 39)], "70"), True),
        (([item("a", 40), item("b", 60)], "70"), False),
    ],
    ids=["an older list", "grown past", "an edit", "made again", "back again", "a new one"],
)
async def test_a_restored_store_is_seen_though_it_has_grown_since(
    restored: Listed, is_seen: bool, failure: ApiError | None
) -> None:
    assert await went_back(LATER, restored, failure=failure) is is_seen
