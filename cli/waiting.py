"""`--wait`: look again until all is fine, as `kubectl wait` does, and say how it was at last."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

from cli.printing import messages
from regent.server.trouble import TOLD

FINE = 0
EVERY_SECONDS = 1.0
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found: the exit status, and how it is shown."""

    status: int
    show: Callable[[], None]


def timeout_of(text: str) -> float:
    """Seconds: `30`, `30s`, `5m` or `1h`. Raises ValueError."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no time: write it as 30s, 5m or 1h.")
    return float(found[1]) * _SECONDS[found[2] or "s"]


async def waited(look: Callable[[], Awaitable[Look]], seconds: float | None) -> int:
    """Show the first look that is fine, else the last one before `seconds` are over; its status.

    None does not wait. What cannot be reached may come yet; what the last look raises is raised.
    """
    until = monotonic() + (seconds or 0)
    while True:
        is_last = monotonic() >= until
        try:
            found = await look()
        except TOLD:
            if is_last:
                _say_that_it_is_over(seconds)
                raise
        else:
            if found.status != FINE and is_last:
                _say_that_it_is_over(seconds)
            if found.status == FINE or is_last:
                found.show()
                return found.status
        await asyncio.sleep(EVERY_SECONDS)


def _say_that_it_is_over(seconds: float | None) -> None:
    if seconds is not None:
        messages().print(f"Not fine within {seconds:g} s; so it was at last.")
