"""Where the Regent listens: one port locally; in a pod one with mutual TLS and one in the clear.

On 8443 everything under `/v1`, for whoever the private CA of the controller vouches for; on 8080
health and metrics, and nothing about roles (docs/architecture.md). Renewed files are taken up
without a restart: they are looked at every few seconds, and each connection begins with what was
read last.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn

from regent.settings import ApiSettings, TlsFiles

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()
GRACE_SECONDS = 3
EVERYWHERE = "*"
LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is in force on the port with TLS, each certificate by the SHA-256 of its DER."""

    trusts: tuple[str, ...]
    shows: str


class Listening:
    """One port and what answers on it. `tell` hears which credentials are in force."""

    def __init__(
        self,
        app: ASGIApp,
        taken: socket.socket,
        tls: TlsFiles | None = None,
        *,
        tell: Callable[[Credentials], None] = lambda _: None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._tls = tls
        self._socket = taken
        self._tell = tell
        self._look_seconds = look_seconds
        self._context = _Latest(tls) if tls else None
        self._app = _LastAnswers(app)
        self._server = _server(self._app, self._context)

    async def serve(self) -> None:
        """Answer until `stop`."""
        if self._tls is None or self._context is None:
            await self._server.serve(sockets=[self._socket])
            return
        self._tell(_credentials(self._context.latest, self._tls))
        renewing = asyncio.create_task(self._renew(self._tls, self._context))
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            renewing.cancel()

    def stop(self) -> None:
        """End, after what is open or a short grace."""
        self._server.should_exit = True

    async def _renew(self, tls: TlsFiles, context: _Latest) -> None:
        seen = await asyncio.to_thread(_digest, tls)
        while True:
            await asyncio.sleep(self._look_seconds)
            found = await asyncio.to_thread(_digest, tls)
            if found in (seen, None):
                continue
            before = set(_trusted(context.latest))
            try:
                loaded = _load(tls)
                credentials = _credentials(loaded, tls)
            except (OSError, ValueError) as error:
                # Between two files of one change; the next look sees both.
                log.warning("the new certificate cannot be used yet", error=str(error))
                continue
            seen, context.latest = found, loaded
            if before - set(credentials.trusts):
                self._end_connections()
            log.info("certificate renewed", cas=len(credentials.trusts))
            self._tell(credentials)

    def _end_connections(self) -> None:
        """Each after its answer under way: who opened it may not be trusted any more."""
        ending = tuple(self._server.server_state.connections)
        self._app.clients = frozenset(getattr(one, "client", None) for one in ending)
        for connection in ending:
            connection.shutdown()


class _LastAnswers:
    """Says with an answer that nothing more is answered on its connection.

    uvicorn ends the connection and does not say so: the next request on it would fail.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.clients: frozenset[tuple[str, int] | None] = frozenset()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_last(message: Message) -> None:
            is_last = scope.get("client") in self.clients
            if is_last and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await self._app(scope, receive, send_last)


class _Latest(ssl.SSLContext):
    """Opens each connection with the context that was made last.

    A context cannot be made to forget a CA, nor to refuse the sessions of those it had signed;
    another one can, and the server keeps the one that it was started with.
    """

    latest: ssl.SSLContext

    def __new__(cls, _tls: TlsFiles) -> _Latest:
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, tls: TlsFiles) -> None:
        self.latest = _load(tls)

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:
        return self.latest.wrap_bio(*arguments, **named)


def listen(api: ApiSettings, port: int | None = None) -> socket.socket:
    """The inherited socket, which stays open in the parent over our restarts, or one of our own."""
    if api.socket_fd is not None and port is None:
        return socket.socket(fileno=api.socket_fd)
    chosen = api.port if port is None else port
    if api.host == EVERYWHERE:
        with suppress(OSError):
            if socket.has_dualstack_ipv6():
                return socket.create_server(
                    ("::", chosen), family=socket.AF_INET6, dualstack_ipv6=True
                )
        return socket.create_server(("0.0.0.0", chosen))  # noqa: S104 - a pod's own address
    family = socket.AF_INET6 if ":" in api.host else socket.AF_INET
    return socket.create_server((api.host, chosen), family=family)


def _server(app: ASGIApp, context: ssl.SSLContext | None) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    config.load()
    config.ssl = context
    server = uvicorn.Server(config)
    # The daemon handles the signals: uvicorn's own handlers would raise them again at the end.
    server.capture_signals = suppress  # type: ignore[method-assign, assignment]
    return server


def _load(tls: TlsFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(tls.cert_file, tls.key_file)
    context.load_verify_locations(tls.ca_file)
    return context


def _credentials(context: ssl.SSLContext, tls: TlsFiles) -> Credentials:
    shown = ssl.PEM_cert_to_DER_cert(tls.cert_file.read_text("ascii").strip())
    return Credentials(_trusted(context), hashlib.sha256(shown).hexdigest())


def _trusted(context: ssl.SSLContext) -> tuple[str, ...]:
    found = context.get_ca_certs(binary_form=True)
    return tuple(sorted(hashlib.sha256(der).hexdigest() for der in found))


def _digest(tls: TlsFiles) -> bytes | None:
    try:
        parts = [path.read_bytes() for path in (tls.cert_file, tls.key_file, tls.ca_file)]
    except OSError:
        return None
    return hashlib.sha256(b"\0".join(parts)).digest()
