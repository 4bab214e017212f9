"""Who may use the pool when: work first, then databases that hung before, then polling.

The clock of a database starts when its place is had, so that no wait of ours is taken for trouble
of its own. One that did not answer is left alone for a while, longer each time, and is then asked a
small question first. Only a few such trials go on at once, and one in vain ends the wait of others:
however many databases hang, the healthy ones have most of the places.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum
from time import monotonic

from regent.server.trouble import DidNotAnswerError
from shared.backoff import Backoff

MOST_TRIALS = 2
"""Places for databases that did not answer the last time."""


class Rank(IntEnum):
    """Who goes first when a place is free."""

    WORK = 0
    TRIAL = 1
    POLL = 2


@dataclass(slots=True)
class Turn:
    """A place that is had. `until` is when it ends, by the loop's clock."""

    until: float
    is_trial: bool
    has_answered: bool = False
    """Of a trial: that the server answered at all."""


@dataclass(slots=True)
class _Hang:
    """A database did not answer: who has no more patience than that need not ask so soon."""

    backoff: Backoff
    not_before: float = 0.0
    patience: float = 0.0
    said: str = ""


@dataclass(frozen=True, slots=True)
class _Waiting:
    database: str
    place: asyncio.Future[None]


def _asking_again() -> Backoff:
    return Backoff(first=2.0, longest=30.0)


class Places:
    """The places of one pool; no database has two at one time."""

    def __init__(
        self,
        most: int,
        *,
        most_trials: int = MOST_TRIALS,
        backoff: Callable[[], Backoff] = _asking_again,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`backoff` makes the waits between two trials of one database."""
        self._most = most
        self._most_trials = most_trials
        self._backoff = backoff
        self._clock = clock
        self._had: dict[str, Rank] = {}
        self._waiting: dict[Rank, list[_Waiting]] = {rank: [] for rank in Rank}
        self._hangs: dict[str, _Hang] = {}

    @asynccontextmanager
    async def place(
        self, database: str, seconds: float, *, yields: bool = False
    ) -> AsyncIterator[Turn]:
        """A place, for so many seconds from when it is had; DidNotAnswerError after them.

        With `yields` everybody else goes first. Raises DidNotAnswerError at once for a database
        that was waited for in vain just now.
        """
        self._refuse_too_soon(database, seconds)
        rank = Rank.TRIAL if database in self._hangs else Rank.POLL if yields else Rank.WORK
        await self._take(database, rank)
        try:
            self._refuse_too_soon(database, seconds)
            async with self._clocked(database, seconds) as turn:
                yield turn
        finally:
            del self._had[database]
            self._hand_out()

    @asynccontextmanager
    async def _clocked(self, database: str, seconds: float) -> AsyncIterator[Turn]:
        until = asyncio.get_running_loop().time() + seconds
        turn = Turn(until, is_trial=database in self._hangs)
        clock = asyncio.timeout_at(until)
        try:
            async with clock:
                yield turn
        except Exception as error:
            if clock.expired():
                said = f"Database {database!r} did not answer within {seconds:g} s."
                self._note(database, said, seconds)
                raise DidNotAnswerError(said) from error
            if isinstance(error, DidNotAnswerError) and turn.is_trial and not turn.has_answered:
                # Who does not answer the small question is not asked greater ones.
                self._note(database, error.message, float("inf"))
            raise
        self._hangs.pop(database, None)

    def _refuse_too_soon(self, database: str, seconds: float) -> None:
        hang = self._hangs.get(database)
        if hang is not None and seconds <= hang.patience and self._clock() < hang.not_before:
            raise DidNotAnswerError(hang.said)

    def _note(self, database: str, said: str, patience: float) -> None:
        """It hangs. When that was a trial, those that wait for theirs wait no longer."""
        hang = self._hangs.setdefault(database, _Hang(self._backoff()))
        hang.said, hang.patience = said, max(patience, hang.patience)
        hang.not_before = self._clock() + hang.backoff.after()
        if self._had.get(database) is not Rank.TRIAL:
            return
        waiting, self._waiting[Rank.TRIAL] = self._waiting[Rank.TRIAL], []
        for one in waiting:
            if not one.place.done():
                other = self._hangs.get(one.database, hang)
                one.place.set_exception(DidNotAnswerError(other.said))

    async def _take(self, database: str, rank: Rank) -> None:
        one = _Waiting(database, asyncio.get_running_loop().create_future())
        self._waiting[rank].append(one)
        self._hand_out()
        try:
            await one.place
        except asyncio.CancelledError:
            if one.place.cancelled():
                self._waiting[rank] = [other for other in self._waiting[rank] if other is not one]
            elif one.place.exception() is None:
                del self._had[database]
                self._hand_out()
            raise

    def _hand_out(self) -> None:
        """Each free place to the first whose database is not in use."""
        for rank in Rank:
            for one in tuple(self._waiting[rank]):
                if not self._has_room(rank):
                    break
                if one.database not in self._had and not one.place.done():
                    self._waiting[rank].remove(one)
                    self._had[one.database] = rank
                    one.place.set_result(None)

    def _has_room(self, rank: Rank) -> bool:
        trials = sum(had is Rank.TRIAL for had in self._had.values())
        return len(self._had) < self._most and (
            rank is not Rank.TRIAL or trials < self._most_trials
        )
