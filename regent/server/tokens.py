"""A password that holds for some time: kept while it does, asked for anew before it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from regent.server.trouble import CannotConnectError

MARGIN = timedelta(seconds=30)
"""A token is renewed so long before it expires."""


@dataclass(frozen=True, slots=True)
class Token:
    """A password for some time; None is until the server refuses it."""

    value: str = field(repr=False)
    expires: datetime | None = None

    def is_fresh(self, now: datetime, margin: timedelta = MARGIN) -> bool:
        """Whether it holds for longer than the margin."""
        return self.expires is None or self.expires - now > margin


Asking = Callable[[], Awaitable[Token]]
"""Asks whoever gives tokens for one. Raises a CannotConnectError."""


class Tokens:
    """Asks for a token when there is none that is fresh; one question at a time."""

    def __init__(
        self,
        ask: Asking,
        *,
        unusable: Callable[[str], CannotConnectError],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`unusable` says of whoever gives them what is wrong with one."""
        self._ask = ask
        self._unusable = unusable
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token: Token | None = None

    async def password(self) -> str:
        """A token that holds now. Raises what `ask` does, and `unusable`."""
        async with self._lock:
            if self._token is None or not self._token.is_fresh(self._clock()):
                self._token = None
                self._token = await self._ask()
            if not self._token.is_fresh(self._clock(), timedelta()):
                self._token = None
                raise self._unusable("gives a token that has expired")
            return self._token.value

    def refused(self, value: str) -> None:
        """The server does not take it: another one is asked for."""
        if self._token is not None and self._token.value == value:
            self._token = None
