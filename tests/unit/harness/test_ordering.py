"""In which order the workers of a run get the tests."""

from __future__ import annotations

import pytest

from tests.ordering import Rank, dealt, sizes

RANKED = [
    *((Rank.SERVER, "integration/a", f"server {n}") for n in range(50)),
    *((Rank.PROCESSES, f"integration/{n}", f"process {n}") for n in range(6)),
    *((Rank.CLUSTER, f"kubernetes/{n}", f"cluster {n}") for n in range(4)),
    *((Rank.NODE, "kubernetes/b", f"node {n}") for n in range(3)),
    *((Rank.NOTHING, "unit/a", f"unit {n}") for n in range(40)),
]


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7])
def test_every_test_is_dealt_once(workers: int) -> None:
    found = dealt(RANKED, workers)
    assert sorted(found) == sorted(test for _, _, test in RANKED)


def test_each_slice_begins_with_what_takes_long_and_ends_with_what_does_not() -> None:
    found = dealt(RANKED, 4)
    begin, kinds = 0, []
    for size in sizes(len(found), 4):
        kinds.append([test.split()[0] for test in found[begin : begin + size]])
        begin += size
    assert begin == len(found)
    assert [(kind[0], kind[-1]) for kind in kinds] == [
        ("node", "unit"),
        ("cluster", "unit"),
        ("cluster", "unit"),
        ("cluster", "unit"),
    ]


def test_few_tests_for_many_workers_are_all_there() -> None:
    assert dealt(RANKED[:1], 4) == ["server 0"]
    assert dealt([], 4) == []
