"""Where the Regent listens: one port locally; in a pod one with mutual TLS and one in the clear.

On 8443 everything under `/v1`, for whoever the private CA of the controller vouches for; on 8080
health and metrics, and nothing about roles (architecture 6). A renewed certificate is taken up
without a restart: its files are looked at every few seconds.
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from contextlib import suppress

import structlog
import uvicorn
from fastapi import FastAPI

from regent.settings import ApiSettings, TlsFiles

log = structlog.get_logger()
GRACE_SECONDS = 3
EVERYWHERE = "*"
LOOK_SECONDS = 5.0


class Listening:
    """One port and what answers on it."""

    def __init__(self, app: FastAPI, taken: socket.socket, tls: TlsFiles | None = None) -> None:
        self._tls = tls
        self._socket = taken
        self._server = _server(app, tls)

    async def serve(self) -> None:
        """Answer until `stop`."""
        if self._tls is None:
            await self._server.serve(sockets=[self._socket])
            return
        renewing = asyncio.create_task(self._renew(self._tls))
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            renewing.cancel()

    def stop(self) -> None:
        """End, after what is open or a short grace."""
        self._server.should_exit = True

    async def _renew(self, tls: TlsFiles) -> None:
        seen = await asyncio.to_thread(_digest, tls)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            found = await asyncio.to_thread(_digest, tls)
            if found in (seen, None) or (context := self._server.config.ssl) is None:
                continue
            try:
                _load(context, tls)
            except (OSError, ssl.SSLError) as error:
                # Between two files of one change; the next look sees both.
                log.warning("the new certificate cannot be used yet", error=str(error))
                continue
            seen = found
            log.info("certificate renewed")


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


def _server(app: FastAPI, tls: TlsFiles | None) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=tls.cert_file if tls else None,
        ssl_keyfile=tls.key_file if tls else None,
        ssl_ca_certs=str(tls.ca_file) if tls else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if tls else ssl.CERT_NONE,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    server = uvicorn.Server(config)
    # The daemon handles the signals: uvicorn's own handlers would raise them again at the end.
    server.capture_signals = suppress  # type: ignore[method-assign, assignment]
    return server


def _load(context: ssl.SSLContext, tls: TlsFiles) -> None:
    """A CA that is not listed any more is believed until the next start."""
    context.load_cert_chain(tls.cert_file, tls.key_file)
    context.load_verify_locations(tls.ca_file)


def _digest(tls: TlsFiles) -> bytes | None:
    try:
        parts = [path.read_bytes() for path in (tls.cert_file, tls.key_file, tls.ca_file)]
    except OSError:
        return None
    return hashlib.sha256(b"\0".join(parts)).digest()
