"""Connecting: the admin's password goes only where it is safe, and errors say the way out."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from regent.server.address import BadAddressError, ServerAddress
from regent.server.connect import (
    CannotConnectError,
    Connector,
    IsAPoolerError,
    NoSuchDatabaseError,
    UnsafeAuthenticationError,
    WrongPasswordError,
)
from shared.resources.regent import TlsMode
from tests.integration.false_server import false_server, message, request
from tests.integration.pooler import relay
from tests.postgres.server import PostgresServer

PASSWORD = "canary-7f3a-not-to-be-told"
OK = request(0)
READY = message(b"K", bytes(8)) + message(b"Z", b"I")


def source(*passwords: str) -> Callable[[], Awaitable[str]]:
    """Gives one after another, the last again and again."""
    left = list(passwords)

    async def password() -> str:
        return left.pop(0) if len(left) > 1 else left[0]

    return password


def connector_to(
    server: PostgresServer, *passwords: str, tls_mode: TlsMode | None = None, ca: str | None = None
) -> Connector:
    address = ServerAddress(server.host, server.port, server.superuser, tls_mode, ca)
    return Connector(address, source(*(passwords or (server.password.get_secret_value(),))))


@pytest.mark.every_version
async def test_a_connection_over_scram_says_its_purpose_and_trusts_only_the_catalog(
    server: PostgresServer,
) -> None:
    connection = await connector_to(server).connect("postgres", purpose="work")
    row = await connection.fetchrow(
        "SELECT application_name, current_setting('search_path'), current_setting('lock_timeout')"
        " FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    )
    assert row is not None
    assert tuple(row) == ("postgregent/work", "pg_catalog, pg_temp", "5s")
    await connection.close()


@pytest.mark.rule("28b")
@pytest.mark.parametrize("piece", [0, 1, 3], ids=["whole", "byte by byte", "in threes"])
@pytest.mark.parametrize(
    "asked",
    [request(3), request(5, b"salt"), request(7), request(3) + OK + READY],
    ids=["clear text", "md5", "gss", "clear text and at once ok"],
)
@pytest.mark.parametrize("tls_mode", [None, "disable"])
async def test_a_false_server_that_asks_for_the_password_never_gets_it(
    asked: bytes, piece: int, tls_mode: TlsMode | None
) -> None:
    async with false_server(asked, piece=piece) as false:
        address = ServerAddress("127.0.0.1", false.port, "my-admin", tls_mode)
        with pytest.raises(UnsafeAuthenticationError) as raised:
            await Connector(address, source(PASSWORD)).connect("mydb", purpose="work")
        await false.served.wait()
    assert false.heard == b""
    assert "scram-sha-256" in str(raised.value)
    assert PASSWORD not in str(raised.value)


@pytest.mark.rule("28b")
async def test_a_notice_before_the_question_does_not_hide_it() -> None:
    notice = message(b"N", b"SNOTICE\0Mhello\0\0")
    async with false_server(notice, request(3), piece=5) as false:
        address = ServerAddress("127.0.0.1", false.port, "my-admin", "disable")
        with pytest.raises(UnsafeAuthenticationError):
            await Connector(address, source(PASSWORD)).connect("mydb", purpose="work")
        await false.served.wait()
    assert false.heard == b""


@pytest.mark.rule("28b")
async def test_a_server_that_begins_scram_must_end_it_with_its_own_proof() -> None:
    sasl = request(10, b"SCRAM-SHA-256\0\0")
    async with false_server(sasl, OK, READY) as false:
        address = ServerAddress("127.0.0.1", false.port, "my-admin", "disable")
        with pytest.raises(UnsafeAuthenticationError, match="proving"):
            await Connector(address, source(PASSWORD)).connect("mydb", purpose="work")
        await false.served.wait()
    assert PASSWORD.encode() not in false.heard


async def test_what_is_no_postgresql_at_all_is_said() -> None:
    async with false_server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as false:
        address = ServerAddress("127.0.0.1", false.port, "my-admin", "disable")
        with pytest.raises(UnsafeAuthenticationError, match="does not speak"):
            await Connector(address, source(PASSWORD)).connect("mydb", purpose="work")


@pytest.mark.rule("28b")
@pytest.mark.parametrize(
    "host",
    [
        "", "/var/run/postgresql", "one,two", "postgresql://my-admin@host/db", "host=evil",
        "a b", "@abstract", "10.0.0.5,evil", "fe80::1%eth0,evil", "x" * 64, "-dash",
    ],
)  # fmt: skip
def test_a_host_that_is_neither_name_nor_address_is_refused(host: str) -> None:
    with pytest.raises(BadAddressError) as raised:
        ServerAddress(host, 5432, "my-admin")
    assert repr(host) in str(raised.value)


@pytest.mark.parametrize("host", ["db", "some.known.endpoint", "10.0.0.5", "::1", "my_db", "a.b."])
def test_names_and_addresses_are_hosts(host: str) -> None:
    assert ServerAddress(host, 5432, "my-admin").host == host


async def test_the_environment_has_no_say_in_where_the_password_goes(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE"):
        monkeypatch.setenv(name, "verify-full" if name == "PGSSLMODE" else "1")
    monkeypatch.setenv("PGTARGETSESSIONATTRS", "standby")
    connection = await connector_to(server).connect("postgres", purpose="work")
    assert await connection.fetchval("SELECT current_user") == server.superuser
    await connection.close()


async def test_a_wrong_password_is_said_without_it(server: PostgresServer) -> None:
    with pytest.raises(WrongPasswordError) as raised:
        await connector_to(server, PASSWORD).connect("postgres", purpose="work")
    assert "adminPasswordSecretRef" in str(raised.value)
    assert PASSWORD not in repr(raised.value) + str(raised.value)
    assert raised.value.sqlstate == "28P01"


async def test_a_password_that_was_rotated_meanwhile_is_read_again(server: PostgresServer) -> None:
    right = server.password.get_secret_value()
    connection = await connector_to(server, PASSWORD, right).connect("postgres", purpose="work")
    await connection.close()


async def test_a_missing_database_and_a_closed_port_are_told_apart(server: PostgresServer) -> None:
    with pytest.raises(NoSuchDatabaseError, match="no_such"):
        await connector_to(server).connect("no_such", purpose="work")
    address = ServerAddress("127.0.0.1", 1, "my-admin")
    with pytest.raises(CannotConnectError, match="databaseHost"):
        await Connector(address, source(PASSWORD)).connect("mydb", purpose="work")


async def test_tls_that_the_server_does_not_have_is_not_done_without(
    server: PostgresServer,
) -> None:
    with pytest.raises(CannotConnectError, match="set tls"):
        await connector_to(server, tls_mode="require").connect("postgres", purpose="work")


@pytest.mark.fact("PG-WATCH-7")
async def test_a_pooler_is_refused(server: PostgresServer) -> None:
    async with relay(server, pid=12345) as port:
        address = ServerAddress("127.0.0.1", port, server.superuser, "disable")
        with pytest.raises(IsAPoolerError, match="pooler"):
            await Connector(address, source(server.password.get_secret_value())).connect(
                "postgres", purpose="work"
            )


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of its own authority, for localhost, and its key."""
    openssl = shutil.which("openssl")
    assert openssl, "install openssl to run the TLS tests"
    subprocess.run(
        [
            openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "certificate.pem",
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )  # fmt: skip
    return tmp_path / "certificate.pem", tmp_path / "key.pem"


@asynccontextmanager
async def false_tls_server(
    certificate: tuple[Path, Path], asked: bytes
) -> AsyncIterator[tuple[int, bytearray, asyncio.Event]]:
    """Agrees to TLS with this certificate, then asks and listens."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*map(str, certificate))
    heard, served = bytearray(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readexactly(8)
            writer.write(b"S")
            await writer.start_tls(context)
            length = int.from_bytes(await reader.readexactly(4), "big")
            await reader.readexactly(length - 4)
            writer.write(asked)
            while data := await reader.read(4096):
                heard.extend(data)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            served.set()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heard, served


@pytest.mark.rule("28b")
@pytest.mark.parametrize("tls_mode", [None, "require"])
async def test_tls_that_was_not_verified_does_not_make_clear_text_safe(
    certificate: tuple[Path, Path], tls_mode: TlsMode | None
) -> None:
    async with false_tls_server(certificate, request(3)) as (port, heard, served):
        address = ServerAddress("localhost", port, "my-admin", tls_mode)
        with pytest.raises(UnsafeAuthenticationError):
            await Connector(address, source(PASSWORD)).connect("mydb", purpose="work")
        await served.wait()
    assert not heard


@pytest.mark.rule("28b")
@pytest.mark.parametrize("tls_mode", [None, "verify-full", "verify-ca"])
async def test_over_verified_tls_a_server_may_ask_for_the_password(
    certificate: tuple[Path, Path], tls_mode: TlsMode | None
) -> None:
    ca = certificate[0].read_text()
    refused = message(b"E", b"SFATAL\0VFATAL\0C28P01\0Mno\0\0")
    async with false_tls_server(certificate, request(3) + refused) as (port, heard, served):
        address = ServerAddress("localhost", port, "my-admin", tls_mode, ca)
        with pytest.raises(WrongPasswordError):
            await Connector(address, source(PASSWORD)).connect("mydb", purpose="work")
        await served.wait()
    assert heard == message(b"p", PASSWORD.encode() + b"\0")


@pytest.mark.rule("28b")
@pytest.mark.parametrize("tls_mode", [None, "verify-full"])
async def test_a_certificate_for_another_name_is_not_spoken_to(
    certificate: tuple[Path, Path], tls_mode: TlsMode | None
) -> None:
    ca = certificate[0].read_text()
    async with false_tls_server(certificate, request(3)) as (port, heard, served):
        address = ServerAddress("127.0.0.1", port, "my-admin", tls_mode, ca)
        with pytest.raises(CannotConnectError, match="caSecretRef"):
            await Connector(address, source(PASSWORD)).connect("mydb", purpose="work")
        await served.wait()
    assert not heard


@pytest.mark.versions(15)
async def test_a_real_server_over_verified_tls(
    launch_server: Callable[..., PostgresServer], certificate: tuple[Path, Path]
) -> None:
    own = launch_server()
    for path, name in zip(certificate, ("server.crt", "server.key"), strict=True):
        target = own.data_dir / name
        shutil.copy(path, target)
        target.chmod(0o600)
        owner = own.data_dir.stat()
        shutil.chown(target, owner.st_uid, owner.st_gid)
    admin = await own.connect()
    await admin.execute("ALTER SYSTEM SET ssl = on")
    await admin.execute("SELECT pg_reload_conf()")
    await admin.close()
    ca = certificate[0].read_text()
    address = ServerAddress("localhost", own.port, own.superuser, "verify-full", ca)
    connector = Connector(address, source(own.password.get_secret_value()))
    connection = await connector.connect("postgres", purpose="work")
    assert await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    await connection.close()


def test_neither_address_nor_connector_shows_a_secret() -> None:
    address = ServerAddress("db", 5432, "my-admin", "verify-full", None)
    assert PASSWORD not in repr(address) + repr(Connector(address, source(PASSWORD)))


async def test_the_guard_leaves_statements_and_cancellation_alone(server: PostgresServer) -> None:
    connection = await connector_to(server).connect("postgres", purpose="work")
    with pytest.raises(TimeoutError):
        await connection.fetchval("SELECT pg_sleep(60)", timeout=0.05)
    assert await connection.fetchval("SELECT pg_catalog.repeat('x', 300000)") == "x" * 300_000
    with pytest.raises(asyncpg.DivisionByZeroError):
        await connection.fetchval("SELECT 1/0")
    await connection.close()
