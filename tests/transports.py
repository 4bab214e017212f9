"""A connection that a test leaves open is told in that test's own name.

The warning comes when the transport is collected, which may be in another test of the process, that
has nothing to do with it. To collect after each test would cost a minute, so it is done after those
that leave one open.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

import pytest

BEGUN: WeakSet[asyncio.BaseTransport] = WeakSet()
_begin = asyncio.BaseTransport.__init__


def _note(self: asyncio.BaseTransport, *arguments: Any, **more: Any) -> None:
    _begin(self, *arguments, **more)
    BEGUN.add(self)


asyncio.BaseTransport.__init__ = _note  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def left_open() -> Iterator[None]:
    """The first of a test's fixtures: it ends after the event loop."""
    yield
    if any(not one.is_closing() for one in BEGUN):
        gc.collect()
