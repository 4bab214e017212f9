"""A server that does not prove that it knows the admin's password is told nothing (rule 28b)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from unittest.mock import Mock

import pytest

from regent.server.address import ServerAddress
from regent.server.authentication import Guard, UnsafeAuthenticationError, is_this_machine
from regent.server.connect import Connector
from shared.resources.regent import TlsMode
from tests.integration.false_server import false_server, message, request
from tests.integration.test_connect import OK, PASSWORD, READY, source
from tests.postgres.server import PostgresServer

SASL = request(10, b"SCRAM-SHA-256\0\0")
SECOND_STEP = request(11, b"r=nonce,s=c2FsdA==,i=4096")
FALSE_PROOF = request(12, b"v=bm90IGtub3du")


@pytest.mark.found("E67")
@pytest.mark.parametrize("tls_mode", [None, "disable"])
@pytest.mark.parametrize(
    "asked",
    [OK, FALSE_PROOF + OK, SASL + FALSE_PROOF + OK, SECOND_STEP, SASL * 2],
    ids=["nothing", "an unasked proof", "a proof of nothing", "the second step first", "twice"],
)
async def test_a_false_server_that_proves_nothing_hears_no_statement(
    asked: bytes, tls_mode: TlsMode | None
) -> None:
    """Else it would be given the verifiers and grants that are declared. Out of turn, a step of
    SCRAM ended the process: the driver read what was not there.
    """
    settings = message(b"S", b"server_version\00018.0\0")
    async with false_server(asked, settings, READY, piece=7) as false:
        address = ServerAddress("127.0.0.1", false.port, "my-admin", tls_mode)
        with pytest.raises(UnsafeAuthenticationError) as raised:
            await Connector(address, source(PASSWORD)).connect("mydb", purpose="work")
        await false.served.wait()
    assert b"SELECT" not in false.heard
    assert b"set_config" not in false.heard
    if asked == OK:
        assert "without asking for the admin's password" in str(raised.value)


@pytest.mark.found("E67")
async def test_a_server_of_this_machine_that_trusts_is_spoken_to_without_a_password(
    launch_server: Callable[..., PostgresServer],
) -> None:
    """The twin: `trust` on the loopback with a --dsn that has no password."""
    server = launch_server()
    hba = server.data_dir / "pg_hba.conf"
    hba.write_text("host all all 127.0.0.1/32 trust\n")
    server.restart()
    address = ServerAddress("127.0.0.1", server.port, "my-admin")
    connection = await Connector(address, source("")).connect("postgres", purpose="work")
    assert await connection.fetchval("SELECT session_user") == "my-admin"
    await connection.close()
    with pytest.raises(UnsafeAuthenticationError, match="scram-sha-256"):
        await Connector(address, source(PASSWORD)).connect("postgres", purpose="work")


@pytest.mark.found("E67")
def test_over_verified_tls_a_server_may_ask_for_nothing_and_from_afar_it_may_not() -> None:
    assert Guard(tls_is_verified=True).examine(OK) == OK
    assert Guard(tls_is_verified=False).examine(OK) == b""
    for peer, is_near in (
        (("127.0.0.1", 5432), True),
        (("::1", 5432, 0, 0), True),
        (("10.0.0.5", 5432), False),
        (("fe80::1%eth0", 5432, 0, 2), False),
        (None, False),
    ):
        transport = Mock(spec=asyncio.Transport)
        transport.get_extra_info.return_value = peer
        assert is_this_machine(transport) is is_near
