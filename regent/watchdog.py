"""Ends a process whose event loop does not turn any more, so that it is started again.

The timer is a thread of C that needs no interpreter lock: what hangs in one long computation cannot
answer a signal, nor `/livez`, which the same loop serves. Where it hung is told on standard error.
"""

from __future__ import annotations

import asyncio
import faulthandler

HUNG_AFTER_SECONDS = 60.0
QUIET_EVERY_SECONDS = 5.0


async def keep_the_watchdog_quiet(
    *, hung_after: float = HUNG_AFTER_SECONDS, every: float = QUIET_EVERY_SECONDS
) -> None:
    """Put the end off for as long as the loop turns; run it beside everything else."""
    try:
        while True:
            faulthandler.dump_traceback_later(hung_after, exit=True)
            await asyncio.sleep(every)
    finally:
        faulthandler.cancel_dump_traceback_later()
