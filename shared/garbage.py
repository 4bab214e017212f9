"""How often Python looks for cycles among everything that a process holds.

Every change makes and drops a hundred thousand values in which there are no cycles, and what is
remembered of 2,000 Users is as much again. With Python's own numbers the whole of it is looked
through in the middle of one change out of a few, for a quarter of a second. A command would spend
a tenth to a fifth of its time on that: what it loads and what it reads stays until its end.
"""

from __future__ import annotations

import gc

THRESHOLDS = (20_000, 10, 20)


def look_for_cycles_rarely() -> None:
    """Leave out what is loaded for good by now, and wait longer. Once, by each entry point."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
