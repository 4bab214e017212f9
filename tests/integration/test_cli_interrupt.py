"""Ctrl-C ends every command with 130 at once, and nothing is half done; nothing waits for ever."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import sys
from pathlib import Path

import pytest

from tests.command import FLIGHTS, ROOT, flights, postgregent_process
from tests.eventually import eventually
from tests.postgres.database import Database

INTERRUPTED_AT = """
import os, signal, sys
name = sys.argv.pop()
class Finder:
    def find_spec(self, found, path=None, target=None):
        if found == name:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from cli.__main__ import main
sys.argv[1:] = ["validate", "examples/flights"]
main()
"""
"""Python that is interrupted when it imports the module that is named."""
AWAY = "postgresql://my-admin@127.0.0.1:1/mydb"
WAITING = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
DECLARED = "SELECT count(*) FROM pg_roles WHERE rolname ~ 'flights-admin|mydb-viewer|summer'"
HELD = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"


def on_a_terminal(*arguments: str, typed: bytes, when: bytes) -> tuple[int, str]:
    """Run it on a terminal of its own, and type that once this was said; its end, what it said."""
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - another program in a moment
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "cli", *arguments])  # noqa: S606
    said = b""
    try:
        while when not in said:
            said += os.read(terminal, 4096)
        os.write(terminal, typed)
        while more := _read(terminal):
            said += more
    finally:
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), said.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is gone
        return b""


@pytest.mark.found("B21")
@pytest.mark.parametrize(
    ("typed", "status"), [(b"\x03", 130), (b"n\n", 1), (b"\x04", 1), (b"what\nn\n", 1)]
)
def test_the_first_ctrl_c_at_a_prompt_ends_it(typed: bytes, status: int) -> None:
    """Before anything was connected to; a no and the end of the input are no errors of ours."""
    ended, said = on_a_terminal("uninstall", "--dsn", AWAY, typed=typed, when=b"[y/N]")
    assert ended == status, said
    assert "Traceback" not in said
    assert ("Nothing was done" in said) is (status == 1)


@pytest.mark.found("E17")
@pytest.mark.parametrize("module", ["typer", "cli.validate"])
async def test_ctrl_c_while_modules_are_imported_ends_it(module: str) -> None:
    """At the beginning, and when the command itself is imported."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", INTERRUPTED_AT, module,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"")


@pytest.mark.found("B21")
async def test_local_once_ends_when_the_server_is_away() -> None:
    """With 1, after --timeout, and it says what was waited for; nobody asked for log lines."""
    ended = await postgregent_process(
        "local", str(FLIGHTS), "--dsn", AWAY, "--once", "--timeout", "2"
    )
    assert ended.status == 1, ended.out
    assert "within 2 s" in ended.err
    assert "Regent/default/my-regent: " in ended.err
    assert '"event"' not in ended.err + ended.out


@pytest.mark.found("B21", "E135")
@pytest.mark.versions(18)
async def test_an_interrupted_apply_leaves_nothing_half_done(
    database: Database, tmp_path: Path
) -> None:
    """While it waits for somebody's transaction: 130, no role of it is there, no lock is held."""
    blocker, look = await database.connect(), await database.connect()
    await blocker.execute('BEGIN; CREATE ROLE "summer-intern-2"')
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", "apply", str(flights(tmp_path)), "--dsn", database.dsn(),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip

    async def waits() -> bool:
        return bool(await look.fetchval(WAITING))

    await eventually(waits)
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert process.returncode == 130, out + err
    assert b"Traceback" not in err
    assert b"Interrupted: 0 of " in err, err
    await blocker.execute("ROLLBACK")

    async def nothing_is_left() -> bool:
        return bool(await look.fetchval(DECLARED) == 0 and await look.fetchval(HELD) == 0)

    await eventually(nothing_is_left)
