"""Who leaves a connection open is named, and nobody else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""
TESTS = """
import asyncio, gc, socket

HERE, THERE = socket.socketpair()

class Holds(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

async def test_that_leaves_one_open():
    gc.disable()
    await asyncio.get_running_loop().create_connection(Holds, sock=HERE)

def test_that_comes_later():
    gc.collect()
    THERE.close()
"""


def test_a_transport_that_is_left_open_is_told_of_the_test_that_left_it(tmp_path: Path) -> None:
    (tmp_path / "test_two.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(INI)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.transports", str(tmp_path)],
        capture_output=True, text=True, cwd=Path(__file__).parents[3], check=False,
    )  # fmt: skip
    assert "ERROR" in ended.stdout, ended.stdout
    assert "test_two.py::test_that_leaves_one_open" in ended.stdout
    assert "test_two.py::test_that_comes_later" not in ended.stdout
