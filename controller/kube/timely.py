"""A body that is not sent any more when its time is over.

Whoever writes as the leader asks for how long it may before it makes a request. A process that is
frozen right then goes on, when it comes back, where it was: at building the request. So the body
asks again when the connection is there and its first byte is about to be written (headers go out
with it). What is left is one call into the TLS library, which no client can do away with.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import BytesPayload


class TimelyBody(BytesPayload):
    """Bytes that `may_send` lets go, or does not by what it raises."""

    def __init__(self, value: bytes, may_send: Callable[[], object]) -> None:
        super().__init__(value)
        self._may_send = may_send

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """As aiohttp's."""
        self._may_send()
        await super().write_with_length(writer, content_length)
