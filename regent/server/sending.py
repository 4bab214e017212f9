"""What is not UTF-8 is refused like any statement, and the connection stays as it is.

asyncpg raises UnicodeEncodeError for such a statement and aborts the connection. It is about one
statement alone: here it is a refusal with a SQLSTATE, before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import asyncpg

from regent.server.lenient_text import PLACEHOLDER, is_legible

QUOTED = f'"{PLACEHOLDER}'
"""The words for such a name, where a name stands."""


class SendingConnection(asyncpg.Connection):
    """A connection on which a text that cannot be sent is one refused statement."""

    __slots__ = ()

    async def execute(self, query: str, *args: Any, **named: Any) -> str:
        """As asyncpg's."""
        _require_legible(query, args)
        return await super().execute(query, *args, **named)

    async def fetch(self, query: str, *args: Any, **named: Any) -> Any:
        """As asyncpg's."""
        _require_legible(query, args)
        return await super().fetch(query, *args, **named)

    async def fetchrow(self, query: str, *args: Any, **named: Any) -> Any:
        """As asyncpg's."""
        _require_legible(query, args)
        return await super().fetchrow(query, *args, **named)

    async def fetchval(self, query: str, *args: Any, **named: Any) -> Any:
        """As asyncpg's."""
        _require_legible(query, args)
        return await super().fetchval(query, *args, **named)


def _require_legible(query: str, args: Iterable[Any]) -> None:
    if QUOTED in query or not all(map(_is_legible, (query, *args))):
        raise asyncpg.CharacterNotInRepertoireError(
            "A name or text that is not UTF-8 cannot be sent to the server."
        )


def _is_legible(value: Any) -> bool:
    if isinstance(value, str):
        return is_legible(value)
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_legible, value))
    return True
