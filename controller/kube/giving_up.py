"""A request that is given up is reset at once, so that it is not delivered after its time.

aiohttp closes a TLS connection politely: it says goodbye and waits for the other side, for 30
seconds. Where the network was held up meanwhile, what was sent still arrives then, after somebody
else became the leader. Aborting closes the socket, which SO_LINGER 0 makes a reset.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

import aiohttp
from aiohttp.client import ClientTimeout
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from controller.kube.errors import ApiError

_used: ContextVar[list[asyncio.Transport] | None] = ContextVar("connections in use", default=None)


class TellingConnector(aiohttp.TCPConnector):
    """Says to `reset_when_given_up` which connections a request was sent on."""

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109 - as aiohttp has it
    ) -> Connection:
        """As aiohttp's."""
        connection = await super().connect(req, traces, timeout)
        used = _used.get()
        if used is not None and connection.transport is not None:
            used.append(connection.transport)
        return connection


@contextlib.contextmanager
def reset_when_given_up() -> Iterator[None]:
    """Around one request: what ends it without an answer resets its connection."""
    used: list[asyncio.Transport] = []
    before = _used.get()
    _used.set(used)
    try:
        yield
    except ApiError:
        raise  # an answer: the connection is as good as before
    except BaseException:
        for transport in used:
            transport.abort()
        raise
    finally:
        _used.set(before)
