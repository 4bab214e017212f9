"""A TCP proxy that loses connections: cut after some bytes, silent, or not there at all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from tests.ports import give_back, own_port

CHUNK = 4096


@dataclass(slots=True)
class TcpProxy:
    """Stands between a client and `host`:`port`. `budget` is asked for each new connection.

    A budget is how many bytes of the server's answers come through before the cut; None: all.
    """

    host: str
    port: int
    budget: Callable[[], int | None] = lambda: None
    connections: int = 0
    cuts: int = 0
    resets: int = 0
    """Connections whose client has reset them while something was held back."""
    listening_port: int = field(default_factory=own_port)
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _flows: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        """Listen, on the same port each time."""
        self._flows.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.listening_port)

    async def refuse(self) -> None:
        """Cut everything and answer no new connection, until `start`."""
        if self._server:
            self._server.close()
            self._server = None
        self.cut()

    def cut(self) -> None:
        """Break every connection at once."""
        for writer in self._open:
            writer.transport.abort()
            self.cuts += 1
        self._open.clear()

    def hold(self) -> None:
        """Connections stay open, and nothing comes through any more."""
        self._flows.clear()

    def release(self) -> None:
        """What was held back comes through."""
        self._flows.set()

    def kubeconfig(self, original: Path, folder: Path) -> Path:
        """The same kubeconfig, by way of this proxy."""
        content = yaml.safe_load(original.read_text("utf-8"))
        for cluster in content["clusters"]:
            cluster["cluster"]["server"] = f"https://127.0.0.1:{self.listening_port}"
        path = folder / f"proxy-{self.listening_port}.kubeconfig"
        path.write_text(yaml.safe_dump(content))
        return path

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            there, to_server = await asyncio.open_connection(self.host, self.port)
        except OSError:
            writer.transport.abort()
            return
        if self._server is None:  # refused since it came
            writer.transport.abort()
            to_server.transport.abort()
            return
        self._open |= {writer, to_server}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(reader, to_server, None))
                group.create_task(self._pass_on(there, writer, self.budget()))
        except* (OSError, _Cut):
            self.cuts += 1
        finally:
            for one in (writer, to_server):
                self._open.discard(one)
                one.transport.abort()

    async def _pass_on(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, budget: int | None
    ) -> None:
        left = budget
        while chunk := await source.read(CHUNK):
            await self._flows.wait()
            if problem := source.exception():  # reset meanwhile: what it sent goes nowhere
                self.resets += 1
                raise problem
            sink.write(chunk if left is None else chunk[:left])
            await sink.drain()
            if left is not None:
                left -= len(chunk)
                if left <= 0:
                    raise _Cut
        raise _Cut


class _Cut(Exception):
    """One side has ended, or the budget has."""


@contextlib.asynccontextmanager
async def proxy_to(server: str) -> AsyncIterator[TcpProxy]:
    """A proxy to an API server's address, gone at the end."""
    address = urlsplit(server)
    assert address.hostname
    assert address.port
    proxy = TcpProxy(address.hostname, address.port)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.refuse()
        give_back(proxy.listening_port)
