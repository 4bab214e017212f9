"""A process that holds the interpreter's lock for ever is ended all the same (B12)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from controller.local import tether
from tests.eventually import eventually

HANGS = """
import re, sys
sys.setswitchinterval(1e6)
print("hung", flush=True)
re.match("(a+)+b", "a" * 64)
"""
PARENT = """
import subprocess, sys
child = subprocess.Popen(
    [sys.executable, "-P", sys.argv[1], "hangs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""
WATCHED = """
import asyncio, re
from regent.watchdog import keep_the_watchdog_quiet

async def main():
    watchdog = asyncio.create_task(keep_the_watchdog_quiet(hung_after=2.0, every=0.1))
    await asyncio.sleep(2.5)
    print("turns", flush=True)
    re.match("(a+)+b", "a" * 64)

asyncio.run(main())
"""


def is_running(pid: int) -> bool:
    """Not gone, and not only waiting to be noticed by its new parent."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.found("B12")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
async def test_a_hung_child_ends_with_its_parent(tmp_path: Path) -> None:
    (tmp_path / "hangs.py").write_text(HANGS)
    parent = subprocess.Popen(  # noqa: ASYNC220 - it starts at once
        [sys.executable, "-c", PARENT, str(Path(tether.__file__))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    child = int(parent.stdout.readline())
    assert is_running(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    parent.stdin.close()

    async def is_gone() -> bool:
        return not is_running(child)

    await eventually(is_gone)


@pytest.mark.found("B12")
def test_a_loop_that_does_not_turn_ends_its_process() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WATCHED], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.stdout == "turns\n"
    assert ended.returncode == 1
    assert "Timeout" in ended.stderr
