"""What asks for a pass, and how often it may: level-triggered, so asking twice is asking once.

The first wake goes through at once. A flood (anybody may NOTIFY) costs a bounded number of passes:
hints are gathered while a pass runs, and after a burst they wait for their turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar, assert_never

BURST = 50
PASSES_PER_SECOND = 50.0


@dataclass(frozen=True, slots=True)
class Full:
    """Look at everything: a push, a reconnect, the timer, somebody asked."""

    reason: str
    is_recorded: ClassVar[bool] = False
    is_fleeting: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class SharedChanged:
    """Catalogs that the whole server shares have moved: `roles`, `memberships`, `settings`, …."""

    parts: frozenset[str]
    is_recorded: ClassVar[bool] = False
    is_fleeting: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class LocalEvents:
    """A command was recorded in this database, or somebody says so."""

    database: str
    is_recorded: ClassVar[bool] = True
    """What happened is in the event table: a targeted pass may do."""
    is_fleeting: ClassVar[bool] = False
    """Nothing is recorded of who did it: the sessions are looked at, before anything is read."""


@dataclass(frozen=True, slots=True)
class LocalChanged:
    """Local objects of a database without event triggers have moved; nobody knows which."""

    database: str
    is_recorded: ClassVar[bool] = False
    is_fleeting: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class DetectorChanged:
    """The triggers, the function or the event table of this database have moved."""

    database: str
    is_recorded: ClassVar[bool] = False
    is_fleeting: ClassVar[bool] = True


Hint = Full | SharedChanged | LocalEvents | LocalChanged | DetectorChanged


class Wake:
    """One waits, many wake. Belongs to one event loop; wake() may be called from its callbacks."""

    def __init__(
        self,
        *,
        burst: int = BURST,
        per_second: float = PASSES_PER_SECOND,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._hints: dict[Hint, None] = {}
        self._parts: frozenset[str] = frozenset()
        self._asked = asyncio.Event()
        self._allowance = Allowance(burst, per_second, clock)

    def wake(self, hint: Hint) -> None:
        """Ask for a pass. Equal hints and all shared parts become one."""
        match hint:
            case SharedChanged(parts=parts):
                self._parts |= parts
            case Full() | LocalEvents() | LocalChanged() | DetectorChanged():
                self._hints[hint] = None
            case _:
                assert_never(hint)
        self._asked.set()

    async def wait(self) -> tuple[Hint, ...]:
        """All hints since the last call, as soon as there is one; never empty."""
        await self._asked.wait()
        if delay := self._allowance.take():
            await asyncio.sleep(delay)
        hints = tuple(self._hints)
        if self._parts:
            hints = (*hints, SharedChanged(self._parts))
        self._hints, self._parts = {}, frozenset()
        self._asked.clear()
        return hints


class Allowance:
    """A bucket of `burst` tokens that gets `per_second` new ones: how long the next must wait."""

    def __init__(self, burst: int, per_second: float, clock: Callable[[], float]) -> None:
        self._burst = float(burst)
        self._per_second = per_second
        self._clock = clock
        self._tokens = self._burst
        self._at = clock()

    def take(self) -> float:
        """Take one token; the seconds to wait until it would have been there."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second) - 1
        self._at = now
        return max(0.0, -self._tokens / self._per_second)
