"""What one repetition of anything took."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds: on the wall, of the client's processor time and the server's; None: not taken."""

    wall: float
    own: float | None = None
    server: float | None = None


def in_ms(spent: Sequence[Spent], field: str) -> float | None:
    """The median, in milliseconds."""
    known = [seconds for one in spent if (seconds := getattr(one, field)) is not None]
    return statistics.median(known) * 1000 if known else None


def p99_in_ms(spent: Sequence[Spent]) -> float:
    """On the wall; of few repetitions it is the worst."""
    ordered = sorted(one.wall for one in spent)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000


def report(name: str, spent: Sequence[Spent]) -> None:
    """One line: medians."""
    parts = {"client": "own", "server": "server", "wall": "wall"}
    found = {word: in_ms(spent, field) for word, field in parts.items()}
    said = "  ".join(f"{word} {ms:8.2f}" for word, ms in found.items() if ms is not None)
    print(f"{name:<36}{len(spent):>4} x  {said} ms", flush=True)
