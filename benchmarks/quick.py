"""`make bench-quick`: what users wait for, in a few minutes; a Markdown table and a JSON file.

The figures tell something only beside those of another run on the same machine, and the load
average is among them because others may have used it.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import commands, drift, passes
from benchmarks.spent import Spent, in_ms, p99_in_ms
from benchmarks.workload import SIZES

JSON_FILE = Path("build", "bench-quick.json")
COMMANDS, PASSES, DRIFTS = 2, 10, 20
"""Repetitions of each."""


@dataclass(frozen=True, slots=True)
class Row:
    """Milliseconds, medians but for `p99`; None where it is not taken."""

    size: str
    what: str
    count: int
    wall: float | None
    p99: float
    client: float | None
    server: float | None


def rows(size: str, lines: Mapping[str, Sequence[Spent]]) -> Iterator[Row]:
    """One for each line."""
    for what, spent in lines.items():
        wall, own, server = (in_ms(spent, field) for field in ("wall", "own", "server"))
        yield Row(size, what, len(spent), wall, p99_in_ms(spent), own, server)


def machine() -> dict[str, object]:
    """What must be known of it to read the figures."""
    known = Path("/proc/cpuinfo").read_text()
    model = next((row for row in known.splitlines() if row.startswith("model name")), ":unknown")
    return {
        "processor": model.partition(":")[2].strip(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def commit() -> str:
    """What was measured; with a + where something is not committed."""
    asked = ["git", "describe", "--always", "--dirty=+", "--abbrev=12"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"


def measured_rows(version: int) -> tuple[list[Row], drift.Idle]:
    """All that is measured."""
    medium, small = SIZES["medium"], SIZES["small"]
    found = list(rows("medium", commands.measure(medium, COMMANDS, version)))
    found += rows("medium", asyncio.run(passes.measure(medium, PASSES, version)))
    lines, resting = asyncio.run(drift.measure(small, DRIFTS, version))
    found += rows("small", {what: [Spent(one) for one in each] for what, each in lines.items()})
    return found, resting


def main(version: int) -> None:
    """Measure, print, and write build/bench-quick.json."""
    began, load = datetime.now(UTC), [os.getloadavg()[0]]
    found, resting = measured_rows(version)
    load.append(os.getloadavg()[0])
    facts = {
        "measured": began.isoformat(timespec="seconds"),
        "commit": commit(),
        "postgresql": version,
        **machine(),
        "load": load,
    }
    document = facts | {"rest": asdict(resting), "milliseconds": [asdict(one) for one in found]}
    JSON_FILE.parent.mkdir(exist_ok=True)
    JSON_FILE.write_text(json.dumps(document, indent=2) + "\n")
    print(markdown(found, resting, facts))
    print(f"\nWritten to {JSON_FILE}.")


def markdown(found: Sequence[Row], resting: drift.Idle, facts: Mapping[str, object]) -> str:
    """For a page of documentation."""
    lines = [
        ", ".join(f"{name} {value}" for name, value in facts.items()),
        "",
        "| size | what | times | wall, p50 | wall, p99 | client | server |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in found:
        cells = (one.wall, one.p99, one.client, one.server)
        shown = " | ".join("" if ms is None else f"{ms:,.1f}" for ms in cells)
        lines.append(f"| {one.size} | {one.what} | {one.count} | {shown} |")
    rest = f"{resting.percent_of_a_core:.2f} % of a core, {resting.megabytes:.0f} MB"
    return "\n".join((*lines, "", f"A Regent at rest (small): {rest}"))
