"""What a child process is started through, so that it never outlives whoever started it.

Standard input is a pipe that nobody writes to: its end means that the parent is gone, in whatever
way, on any platform. The child is then asked to end as it would be by SIGTERM, and after a while
made to. That takes the interpreter's lock, which a hung child does not give; so on Linux the kernel
itself kills the child when its parent ends. Run by path with `python -P`, so that the folder
somebody happens to stand in cannot put other packages of our names before ours.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

GRACE_SECONDS = 10
ORPHANED = 75
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become the module named by the first argument, with the rest as its arguments."""
    root = str(Path(__file__).resolve().parent.parent)
    if root not in sys.path:
        sys.path.insert(0, root)
    _die_with_parent()
    threading.Thread(target=_end_with_parent, name="tether", daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _die_with_parent() -> None:
    """Ask the kernel for SIGKILL once the thread that started us ends; only Linux knows this.

    A parent that ended before this call is noticed by the end of standard input.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(ORPHANED)


if __name__ == "__main__":
    main()
