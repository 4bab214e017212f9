"""The command `postgregent`, also as `python -m cli` where no script was installed.

Ctrl-C ends it with 130 before anything is imported, too: that takes a while.
"""

from __future__ import annotations

import os
import signal

INTERRUPTED = 130


def main() -> None:
    """Run the command."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    from shared.garbage import look_for_cycles_rarely  # noqa: PLC0415 - see above

    # Before what follows is loaded: half of what a short command makes is that.
    look_for_cycles_rarely()
    from cli.guarded import guard_all  # noqa: PLC0415 - see above
    from cli.main import app  # noqa: PLC0415 - see above

    guard_all()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    app(prog_name="postgregent")


if __name__ == "__main__":
    main()
