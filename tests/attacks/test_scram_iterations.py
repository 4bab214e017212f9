"""A false server names few iterations, to guess the password from our proof; or very many."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from regent.server.address import ServerAddress
from regent.server.authentication import Guard, UnsafeAuthenticationError
from regent.server.connect import Connector
from tests.integration.false_server import false_server, request
from tests.postgres.server import PostgresServer

PASSWORD = "canary-91c2-not-to-be-told"
SASL = request(10, b"SCRAM-SHA-256\0\0")


def source(password: str) -> Callable[[], Awaitable[str]]:
    """Gives it."""

    async def give() -> str:
        return password

    return give


def server_first(iterations: bytes) -> bytes:
    """The server's first message of SCRAM."""
    return request(11, b"r=nonce,s=c2FsdA==,i=" + iterations)


@pytest.mark.found("C28")
@pytest.mark.parametrize("iterations", [b"1", b"4095", b"0", b"2147483647", b"1e9", b""])
async def test_no_proof_is_given_for_a_number_of_iterations_that_is_out_of_bounds(
    iterations: bytes,
) -> None:
    """What was heard ends before the proof, and the error says what to do."""
    async with false_server(SASL, server_first(iterations), piece=3) as false:
        address = ServerAddress("127.0.0.1", false.port, "my-admin")
        with pytest.raises(UnsafeAuthenticationError, match="scram_iterations"):
            await Connector(address, source(PASSWORD)).connect("mydb", purpose="work")
        await false.served.wait()
    assert b"p=" not in false.heard


@pytest.mark.found("C28")
@pytest.mark.versions(16, 18)
async def test_a_real_server_gets_the_proof_from_4096_iterations_on(
    server: PostgresServer,
) -> None:
    """The twin: what PostgreSQL does by default works, what an administrator lowered is said."""
    admin = await server.connect()
    try:
        for name, iterations in (("few", 1), ("enough", 4096)):
            await admin.execute(f"SET scram_iterations = {iterations}")
            await admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    finally:
        await admin.close()
    few = ServerAddress(server.host, server.port, "few")
    with pytest.raises(UnsafeAuthenticationError, match="4096 or more"):
        await Connector(few, source(PASSWORD)).connect("postgres", purpose="work")
    enough = ServerAddress(server.host, server.port, "enough")
    connection = await Connector(enough, source(PASSWORD)).connect("postgres", purpose="work")
    assert await connection.fetchval("SELECT session_user") == "enough"
    await connection.close()


@pytest.mark.found("C28")
def test_over_verified_tls_any_small_number_will_do() -> None:
    """Only the right server sees the proof, and it has the verifier; many are still refused."""
    few, many = SASL + server_first(b"1"), SASL + server_first(b"2147483647")
    assert Guard(tls_is_verified=True).examine(few) == few
    busy = Guard(tls_is_verified=True)
    assert busy.examine(many) == b""
    assert busy.refusal is not None
