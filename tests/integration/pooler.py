"""What stands between us and the server, and hands our session to others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.postgres.server import PostgresServer


@asynccontextmanager
async def relay(server: PostgresServer, pid: int) -> AsyncIterator[int]:
    """Hands bytes on to the server, but names another process id, as poolers do."""

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                at = data.find(b"K\0\0\0\x0c")
                if at >= 0:
                    data = data[: at + 5] + pid.to_bytes(4, "big") + data[at + 9 :]
                writer.write(data)
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection(server.host, server.port)
        await asyncio.gather(hand_on(reader, before), hand_on(behind, writer))

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]
