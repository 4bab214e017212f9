"""The command `postgregent`, also as `python -m cli` where no script was installed.

Ctrl-C ends it with 130 before anything is imported, too: that takes a while.
"""

from __future__ import annotations

import os
import signal
import sys

INTERRUPTED = 130
PLUGIN = "kubectl postgregent"


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
    app(prog_name=program(sys.argv[0]))


def program(path: str) -> str:
    """What somebody typed: kubectl calls `kubectl-NAME` for `kubectl NAME`.

    https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/
    """
    return PLUGIN if path.rpartition("/")[2].startswith("kubectl-") else "postgregent"


if __name__ == "__main__":
    main()
