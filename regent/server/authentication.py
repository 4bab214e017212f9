"""Gives the admin's password only over SCRAM or verified TLS (rule 28b).

asyncpg answers whatever a server asks for: a false server that asks for the password in clear gets
it. So until authentication is over, each message of the server passes a guard, whole, before
asyncpg sees it. A false server that asks for nothing would be told verifiers and grants: so one
that does not prove that it knows the password is let go. Messages: https://www.postgresql.org/docs/18/protocol-message-formats.html
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, cast

from asyncpg.protocol.protocol import BaseProtocol

from regent.server.lenient_text import Renaming
from regent.server.trouble import CannotConnectError

AUTHENTICATION = ord("R")
HEADER_BYTES = 5
LONGEST_MESSAGE = 64 * 1024
OK, CLEAR_TEXT, MD5, SASL, SASL_CONTINUE, SASL_FINAL = 0, 3, 5, 10, 11, 12
SCRAM = frozenset({SASL, SASL_CONTINUE, SASL_FINAL})
COMES_AFTER = {SASL: None, SASL_CONTINUE: SASL, SASL_FINAL: SASL_CONTINUE}
PASSWORDS = frozenset({CLEAR_TEXT, MD5})
ASKS_FOR = {CLEAR_TEXT: "the password in clear text", MD5: "an MD5 hash of the password"}


FEWEST_ITERATIONS = 4096
"""Of SCRAM, without verified TLS: what RFC 7677 asks for. With fewer, who answers for the server
can try passwords against our proof as quickly as the small number lets it; with one, as good as in
the clear. Over verified TLS only the server itself sees the proof, and it has the verifier."""
MOST_ITERATIONS = 1_000_000
"""Each is computed before anything else goes on: a false server must not keep us busy for hours."""
_ITERATIONS = re.compile(rb"(?:^|,)i=([0-9]{1,10})(?:,|$)")


class UnsafeAuthenticationError(CannotConnectError):
    """The server asked for the admin's password in a way that would give it away."""


class Guard:
    """What one server may ask for before it has let us in.

    `refusal` is what went wrong; then the connection has been cut and nothing was answered.
    """

    def __init__(
        self, *, tls_is_verified: bool, may_ask_nothing: bool = False, gives_nothing: bool = False
    ) -> None:
        """`may_ask_nothing`: it may let us in without any proof that it is the right one.

        `gives_nothing`: a client certificate was shown, and no password is given besides.
        """
        self.refusal: UnsafeAuthenticationError | None = None
        self._may_ask_nothing = tls_is_verified or may_ask_nothing
        self._allowed = SCRAM | PASSWORDS if tls_is_verified else SCRAM
        self._gives_nothing = gives_nothing
        self._fewest = 1 if tls_is_verified else FEWEST_ITERATIONS
        self._pending = b""
        self._is_over = False
        self._last: int | None = None

    def examine(self, data: bytes) -> bytes:
        """What of `data`, and of what came before, asyncpg may see now."""
        if self._is_over:
            return data
        data = self._pending + data
        passed, is_over = 0, False
        while not is_over and len(data) - passed >= HEADER_BYTES:
            size = 1 + int.from_bytes(data[passed + 1 : passed + HEADER_BYTES], "big")
            if not HEADER_BYTES <= size <= LONGEST_MESSAGE:
                self.refusal = UnsafeAuthenticationError(
                    "What answers there does not speak PostgreSQL's protocol.",
                    way_out="Check databaseHost and port.",
                )
            elif len(data) - passed < size:
                break
            elif data[passed] == AUTHENTICATION:
                request = int.from_bytes(data[passed + HEADER_BYTES : passed + 9], "big")
                self.refusal = self._refusal_of(request)
                if request == SASL_CONTINUE and self.refusal is None:
                    self.refusal = self._refusal_of_iterations(data[passed + 9 : passed + size])
                is_over = request == OK
            if self.refusal:
                return b""
            passed += size
        self._is_over = is_over
        self._pending = b"" if is_over else data[passed:]
        return data if is_over else data[:passed]

    def _refusal_of(self, request: int) -> UnsafeAuthenticationError | None:
        if request == OK and self._last in {SASL, SASL_CONTINUE}:
            return UnsafeAuthenticationError(
                "The server let us in without proving that it knows the admin's password.",
                way_out="It is not the server it says it is: check databaseHost.",
            )
        if request == OK and not (self._last == SASL_FINAL or self._may_ask_nothing):
            return UnsafeAuthenticationError(
                "The server let us in without asking for the admin's password, so nothing shows"
                " that it is the right one.",
                way_out="Let it ask for scram-sha-256 (pg_hba.conf), or verify its certificate"
                " with tls.mode verify-full and tls.caSecretRef. A server on this machine that is"
                " to ask for nothing is spoken to where no password is given.",
            )
        if request != OK and self._gives_nothing:
            asked = ASKS_FOR.get(request, "a password")
            return UnsafeAuthenticationError(
                f"The server asked for {asked}, and a client certificate is what was declared.",
                way_out="Let it ask for the certificate (hostssl and cert in pg_hba.conf), or"
                " declare adminPasswordSecretRef instead of clientCertificateSecretRef.",
            )
        if request != OK and request not in self._allowed:
            asked = ASKS_FOR.get(request, f"authentication method {request}")
            return UnsafeAuthenticationError(
                f"The server asked for {asked}; it was not given.",
                way_out=(
                    "Let it ask for scram-sha-256 (pg_hba.conf, and a password stored under"
                    " password_encryption = 'scram-sha-256'), or verify its certificate with"
                    " tls.mode verify-full and tls.caSecretRef."
                ),
            )
        if self._last != COMES_AFTER.get(request, self._last):
            # The driver would read what is not there, and the process would end.
            return UnsafeAuthenticationError(
                "The server answers a step of SCRAM that was not taken.",
                way_out="It is not the server it says it is: check databaseHost.",
            )
        self._last = request
        return None

    def _refusal_of_iterations(self, server_first: bytes) -> UnsafeAuthenticationError | None:
        """The message of RFC 5802 that says `r=…,s=…,i=4096`."""
        found = _ITERATIONS.search(server_first)
        iterations = int(found[1]) if found else 0
        if self._fewest <= iterations <= MOST_ITERATIONS:
            return None
        if iterations > MOST_ITERATIONS:
            return UnsafeAuthenticationError(
                f"The server asked for {iterations} iterations of SCRAM; at most {MOST_ITERATIONS}"
                " are computed.",
                way_out="Check databaseHost. If it is the right server, set scram_iterations to"
                " less there, and give the admin its password again.",
            )
        return UnsafeAuthenticationError(
            f"The server asked for SCRAM with {iterations} iterations, which would let it guess"
            f" the admin's password; at least {self._fewest} are asked for.",
            way_out="Check databaseHost. If it is the right server, set scram_iterations to"
            f" {FEWEST_ITERATIONS} or more there and give the admin its password again, or verify"
            " its certificate with tls.mode verify-full and tls.caSecretRef.",
        )


class GuardedLoop:
    """The event loop as asyncpg sees it: what it connects has a guard before it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        tls_is_verified: bool,
        has_password: bool,
        has_certificate: bool = False,
    ) -> None:
        self._loop = loop
        self._tls_is_verified = tls_is_verified
        self._has_password = has_password
        self._has_certificate = has_certificate
        self._guards: list[Guard] = []
        self._transports: list[asyncio.BaseTransport] = []

    @property
    def refusal(self) -> UnsafeAuthenticationError | None:
        """Why a server was refused, when one was."""
        return next((guard.refusal for guard in self._guards if guard.refusal), None)

    async def hang_up(self) -> None:
        """End what was begun: asyncpg leaves a connection open when it stumbles over an answer."""
        for transport in self._transports:
            transport.close()
        await asyncio.sleep(0)

    def _new_guard(self, transport: asyncio.BaseTransport) -> Guard:
        guard = Guard(
            tls_is_verified=self._tls_is_verified,
            may_ask_nothing=not self._has_password and is_this_machine(transport),
            gives_nothing=self._has_certificate,
        )
        self._guards.append(guard)
        return guard

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def create_connection(
        self, factory: Callable[[], asyncio.BaseProtocol], *args: Any, **kwargs: Any
    ) -> tuple[asyncio.BaseTransport, asyncio.BaseProtocol]:
        """As the loop's own. What is to ask for TLS gets a transport that guards its successor.

        Once refused, a server is not tried again: asyncpg would, without TLS.
        """
        if self.refusal:
            raise ConnectionRefusedError("the server was refused before")

        def guarded() -> asyncio.BaseProtocol:
            protocol = factory()
            if isinstance(protocol, BaseProtocol):
                _put_before_when_connected(protocol, self._new_guard)
            return protocol

        transport, protocol = await self._loop.create_connection(guarded, *args, **kwargs)
        self._transports.append(transport)
        if not isinstance(protocol, BaseProtocol):
            transport = self._guarded(transport)
        return transport, protocol

    async def start_tls(
        self, transport: GuardedTransport, *args: Any, **kwargs: Any
    ) -> asyncio.Transport:
        """As the loop's own. asyncpg gives its protocol to the transport that this returns."""
        encrypted = await self._loop.start_tls(transport.bare, *args, **kwargs)
        if encrypted is None:
            raise ConnectionError("the connection was closed during the TLS handshake")
        self._transports.append(encrypted)
        return self._guarded(encrypted)

    def _guarded(self, transport: asyncio.Transport) -> asyncio.Transport:
        return cast("asyncio.Transport", GuardedTransport(transport, self._new_guard))


def is_this_machine(transport: asyncio.BaseTransport) -> bool:
    """Whether who answers is on the loopback: by its address, not by its name."""
    peer = transport.get_extra_info("peername")
    try:
        return ip_address(str(peer[0]).partition("%")[0]).is_loopback
    except (TypeError, IndexError, ValueError):
        return False


NewGuard = Callable[[asyncio.BaseTransport], Guard]


class GuardedTransport:
    """A transport that puts a guard before the PostgreSQL protocol it is given."""

    def __init__(self, transport: asyncio.Transport, new_guard: NewGuard) -> None:
        self.bare = transport
        self._new_guard = new_guard

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bare, name)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """As the transport's own."""
        if isinstance(protocol, BaseProtocol):
            _put_before(protocol, self._new_guard(self.bare), self.bare)
        self.bare.set_protocol(protocol)


def _put_before_when_connected(protocol: Any, new_guard: NewGuard) -> None:
    pass_on: Callable[[asyncio.Transport], None] = protocol.connection_made

    def connection_made(transport: asyncio.Transport) -> None:
        _put_before(protocol, new_guard(transport), transport)
        pass_on(transport)

    protocol.connection_made = connection_made


def _put_before(protocol: Any, guard: Guard, transport: asyncio.Transport) -> None:
    pass_on: Callable[[bytes], None] = protocol.data_received
    renaming = Renaming()

    def data_received(data: bytes) -> None:
        seen = renaming.pass_on(guard.examine(data))
        if guard.refusal:
            transport.abort()
        elif seen:
            pass_on(seen)

    protocol.data_received = data_received
