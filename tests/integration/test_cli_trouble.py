"""Whatever the server says no with ends a command with words and status 1 (finding B16)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import Ended, flights, postgregent
from tests.integration.false_server import false_server, message, request
from tests.postgres.database import Database
from tests.postgres.server import PostgresServer

pytestmark = pytest.mark.found("B16")
OK = request(0)
READY = message(b"Z", b"I")
KEY = message(b"K", bytes(8))
VERSION = message(b"S", b"server_version\00018.1\0")
ENCODING = message(b"S", b"client_encoding\0UTF8\0")
COMMANDS = ("plan", "apply", "uninstall")


def refusal(sqlstate: str) -> bytes:
    return message(b"E", b"SFATAL\0VFATAL\0C" + sqlstate.encode() + b"\0Mno\0\0")


async def command(name: str, directory: Path, dsn: str) -> Ended:
    if name == "uninstall":
        return await postgregent("uninstall", "--yes", "--dsn", dsn)
    return await postgregent(name, str(directory), "--dsn", dsn)


def assert_told(ended: Ended) -> None:
    """Words, no traceback: the runner of tests raises what is not told."""
    assert ended.status == 1, ended.out + ended.err
    assert ended.err.strip()
    assert "Traceback" not in ended.out + ended.err


@pytest.mark.parametrize(
    "said",
    [
        (OK, READY),
        (OK, KEY, READY),
        (OK, message(b"S", b"server_version\0"), READY),
        (OK, message(b"S", b"server_version\0seventeen\0"), KEY, READY),
        (OK, message(b"S", b"client_encoding\0KLINGON\0"), READY),
        (OK, VERSION, ENCODING, KEY, READY, refusal("57P01")),
        (OK, VERSION, ENCODING, KEY, READY, message(b"T", b"\x00\x09garbage")),
        (OK, b"\0\0\0\0\0\0\0\0"),
        (request(10, b""),),
        (request(10, b"SCRAM-SHA-256\0\0"), request(11, b"nonsense")),
        (refusal("53300"),),
        (refusal("57P03"),),
        (refusal("28000"),),
        (refusal("42704"),),
        (message(b"E", b"\0"),),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n",),
    ],
    ids=lambda said: repr(b"".join(said))[:40],
)
async def test_a_server_that_speaks_half_the_protocol_is_told(
    said: tuple[bytes, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regent.server.connect.CONNECT_SECONDS", 1.0)
    async with false_server(*said) as false:
        dsn = f"postgresql://my-admin:secret@127.0.0.1:{false.port}/mydb"
        for name in COMMANDS:
            assert_told(await command(name, flights(tmp_path / name), dsn))


async def test_a_standby_without_a_home_database_is_told(
    launch_server: Callable[..., PostgresServer], tmp_path: Path
) -> None:
    server = launch_server(wal_level="replica")
    admin = await server.connect()
    await admin.execute("CREATE DATABASE mydb")
    await admin.close()
    server.stop()
    (server.data_dir / "standby.signal").touch()
    server.start()
    for name in ("plan", "apply"):
        ended = await command(name, flights(tmp_path / name), server.dsn("mydb"))
        assert ended.status == 1, ended.out + ended.err
        assert "standby" in ended.out + ended.err


@pytest.mark.found("E504")
async def test_a_standby_with_a_home_database_is_told_by_every_command(
    launch_server: Callable[..., PostgresServer], tmp_path: Path
) -> None:
    server = launch_server(wal_level="replica")
    admin = await server.connect()
    await admin.execute("CREATE DATABASE mydb")
    await admin.close()
    applied = await command("apply", flights(tmp_path / "first"), server.dsn("mydb"))
    assert applied.status == 0, applied.out + applied.err
    server.stop()
    (server.data_dir / "standby.signal").touch()
    server.start()
    for name in COMMANDS:
        ended = await command(name, flights(tmp_path / name), server.dsn("mydb"))
        assert ended.status in (1, 3), ended.out + ended.err
        assert "standby" in ended.out + ended.err
    out = tmp_path / "out"
    ended = await postgregent("export", "--dsn", server.dsn("mydb"), str(out))
    assert (ended.status, ended.out, out.exists()) == (1, "", False)
    assert (ended.err.count("standby"), "not declared" in ended.err) == (1, False), ended.err
    ended = await postgregent("export", "--dsn", server.dsn("mydb"), "--sql")
    assert (ended.status, 'CREATE ROLE "mydb-viewer"' in ended.out) == (0, True), ended.err


async def test_a_short_statement_timeout_stops_nothing(database: Database, tmp_path: Path) -> None:
    """Twin: what a person gave the admin for their own sessions is no trouble of ours."""
    look = await database.connect()
    await look.execute("ALTER ROLE \"my-admin\" SET statement_timeout = '1ms'")
    try:
        for name in ("apply", "plan", "uninstall"):
            ended = await command(name, flights(tmp_path / name), database.dsn())
            assert ended.status == 0, ended.out + ended.err
    finally:
        await look.execute('ALTER ROLE "my-admin" RESET statement_timeout')


async def test_a_home_database_that_is_not_ours_is_told_by_every_command(
    database: Database, tmp_path: Path
) -> None:
    await database.execute("CREATE DATABASE postgregent")
    for name in COMMANDS:
        ended = await command(name, flights(tmp_path / name), database.dsn())
        assert_told(ended)
        assert "homeDatabase" in " ".join(ended.err.split())
