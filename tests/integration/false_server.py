"""A false server on the loopback: it speaks the protocol's beginning and notes what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

SSL_REQUEST = 80877103


@dataclass(slots=True)
class FalseServer:
    """It answers the startup message with `messages`, one piece of `piece` bytes after another."""

    messages: Sequence[bytes]
    piece: int = 0
    port: int = 0
    heard: bytearray = field(default_factory=bytearray)
    served: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client: refuse TLS, take the startup message, ask, and listen until it goes."""
        try:
            length = int.from_bytes(await reader.readexactly(4), "big")
            startup = await reader.readexactly(length - 4)
            if int.from_bytes(startup[:4], "big") == SSL_REQUEST:
                writer.write(b"N")
                length = int.from_bytes(await reader.readexactly(4), "big")
                await reader.readexactly(length - 4)
            said = b"".join(self.messages)
            size = self.piece or len(said)
            for start in range(0, len(said), size):
                writer.write(said[start : start + size])
                await writer.drain()
                await asyncio.sleep(0)
            while heard := await reader.read(4096):
                self.heard += heard
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.served.set()
            writer.close()


def message(kind: bytes, body: bytes) -> bytes:
    """One message of the protocol."""
    return kind + (len(body) + 4).to_bytes(4, "big") + body


def request(code: int, body: bytes = b"") -> bytes:
    """An authentication request."""
    return message(b"R", code.to_bytes(4, "big") + body)


@asynccontextmanager
async def false_server(*messages: bytes, piece: int = 0) -> AsyncIterator[FalseServer]:
    """Listening, on a free port of the loopback."""
    false = FalseServer(messages, piece)
    server = await asyncio.start_server(false.serve, "127.0.0.1", 0)
    false.port = server.sockets[0].getsockname()[1]
    async with server:
        yield false
