"""Long tests first, so that no worker is left alone with one when all the others have ended.

Each worker of xdist begins with a slice of the tests as they come, and an idle one takes from the
end of what another still has, but never its last two. So each slice begins with what waits for
other processes and ends with unit tests. Those on a whole Kubernetes are in one slice, as a
machine has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import pytest

STARTERS = frozenset({"tests.command", "tests.daemons", "tests.integration.facts.command"})
"""Whoever takes something of these starts processes of ours."""
SLOW_FOLDERS = frozenset({"docs", "embedded", "release"})
"""Of tests/integration: commands, servers and packages, each made anew."""
QUICK_FOLDERS = frozenset({"unit", "architecture"})
TESTS = Path(__file__).parent
One = TypeVar("One")


class Rank(IntEnum):
    """What a test waits for, the longest first."""

    NODE = 0
    CLUSTER = 1
    PROCESSES = 2
    SERVER = 3
    NOTHING = 4


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """For the workers of a run; who runs some tests alone gets them as they stand in the files."""
    if (worker := getattr(config, "workerinput", None)) is not None:
        ranked = [(_rank(item), str(item.path), item) for item in items]
        items[:] = dealt(ranked, int(worker["workercount"]))


def dealt(ranked: Sequence[tuple[Rank, str, One]], workers: int) -> list[One]:
    """All of them, for xdist to cut into as many slices; `ranked` has the rank and file of each."""
    slices: list[list[One]] = [[] for _ in range(workers)]
    for rank in (Rank.NODE, Rank.CLUSTER, Rank.PROCESSES):
        files = groupby((one for one in ranked if one[0] is rank), key=lambda one: one[1])
        for number, (_, tests) in enumerate(files):
            place = 0 if rank is Rank.NODE else 1 + number % max(workers - 1, 1)
            slices[place % workers] += [test for _, _, test in tests]
    servers = [test for rank, _, test in ranked if rank is Rank.SERVER]
    for one, part in zip(slices, _cut(servers, [*sizes(len(servers), workers)]), strict=True):
        one.extend(part)
    quick = [test for rank, _, test in ranked if rank is Rank.NOTHING]
    lacking = [
        max(size - len(one), 0)
        for one, size in zip(slices, sizes(len(ranked), workers), strict=True)
    ]
    for one, part in zip(slices, _cut(quick, lacking), strict=True):
        one.extend(part)
    return [test for one in slices for test in one]


def sizes(number: int, workers: int) -> Iterable[int]:
    """How many each worker begins with, as xdist's worksteal cuts it."""
    for remaining in range(workers, 0, -1):
        yield number // remaining
        number -= number // remaining


def _cut(tests: list[One], lengths: Sequence[int]) -> Iterable[list[One]]:
    """Slices of these lengths; the last one has the rest."""
    begin = 0
    for length in lengths[:-1]:
        yield tests[begin : begin + length]
        begin += length
    yield tests[begin:]


def _rank(item: pytest.Item) -> Rank:
    folders = item.path.relative_to(TESTS).parts
    if item.get_closest_marker("node"):
        return Rank.NODE
    if item.get_closest_marker("cluster"):
        return Rank.CLUSTER
    if folders[0] in QUICK_FOLDERS:
        return Rank.NOTHING
    if folders[1] in SLOW_FOLDERS or _starts_processes(item):
        return Rank.PROCESSES
    return Rank.SERVER


def _starts_processes(item: pytest.Item) -> bool:
    module = item.getparent(pytest.Module)
    there = vars(module.obj).values() if module is not None else ()
    return any(getattr(one, "__module__", "") in STARTERS for one in there)
