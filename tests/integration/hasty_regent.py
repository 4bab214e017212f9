"""A Regent that gives a reading up sooner than after a minute: for the one test that waits for it.

`python -m tests.integration.hasty_regent SECONDS ARGUMENT…` is `python -m regent ARGUMENT…`. The
number is a default of many functions, so it is set before they are loaded.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from regent.server import connections

ROOT = Path(__file__).parents[2]
READ_SECONDS = 10.0


def hasty_regent(
    *arguments: str, log: IO[bytes], pass_fds: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start one, as tests/forked.py does."""
    command = [sys.executable, "-m", __name__, str(READ_SECONDS), *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=pass_fds
    )


if __name__ == "__main__":
    connections.READ_SECONDS = float(sys.argv.pop(1))
    sys.exit(importlib.import_module("regent.__main__").main())
