"""Ask a person on the terminal. Ctrl-C there ends the command at once, as everywhere else."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from shared.printable import printable

YES, NO = frozenset({"y", "yes"}), frozenset({"", "n", "no"})


def confirm(question: str) -> bool:
    """True for yes. The end of the input is a no. The question goes to standard error.

    Raises KeyboardInterrupt at the first Ctrl-C: asyncio.run() would only note it and leave the
    prompt as it is, until Enter or a second Ctrl-C.
    """
    with _interruptible():
        while True:
            sys.stderr.write(f"{printable(question)} [y/N]: ")
            sys.stderr.flush()
            line = sys.stdin.readline()
            if not line:
                return False
            answer = line.strip().lower()
            if answer in YES | NO:
                return answer in YES
            sys.stderr.write("Answer y or n.\n")


@contextmanager
def _interruptible() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
