"""What is undone again and again is counted edge by edge, bounded, and over by itself (rule 26)."""

from __future__ import annotations

import pytest

from regent.contention.tally import MOST_COUNTED, MOST_EDGES, SECONDS, TIMES, Corrected, Tally

pytestmark = pytest.mark.rule("26")
EDGE = Corrected("revoke DELETE on table a from eve", "by mallory", "eve", ("User/default/eve",))


def test_an_edge_is_contended_from_the_fifth_time_on_and_said_once() -> None:
    tally = Tally()
    begun = [tally.note([EDGE], now) for now in range(TIMES + 1)]
    assert [len(one) for one in begun] == [0] * (TIMES - 1) + [1, 0]
    (one,) = tally.contended(TIMES)
    assert (one.times, one.by, one.resources) == (TIMES + 1, ("by mallory",), EDGE.resources)


def test_it_is_over_a_minute_after_it_is_undone_no_more_and_begins_anew() -> None:
    tally = Tally()
    for now in range(TIMES):
        tally.note([EDGE], now)
    assert tally.contended(SECONDS - 0.5)
    assert tally.contended(SECONDS) == ()
    tally.contended(2 * SECONDS)
    later = [tally.note([EDGE], 3 * SECONDS + now) for now in range(TIMES)]
    assert len(later[-1]) == 1


@pytest.mark.found("E326")
def test_of_what_waits_it_is_not_said_how_seldom_it_is_undone_now() -> None:
    tally = Tally()
    for now in range(TIMES):
        tally.note([EDGE], now)
    for now, said in ((TIMES, f"undone {TIMES} times within a minute"), (99, "again and again")):
        (one,) = tally.contended(now, {EDGE.edge})
        assert said in str(one)


def test_what_is_undone_slowly_is_not_contended() -> None:
    tally = Tally()
    for now in range(20):
        assert not tally.note([EDGE], now * SECONDS / (TIMES - 1))


def test_whoever_undoes_thousands_of_things_costs_no_more_memory() -> None:
    tally = Tally()
    many = [Corrected(f"revoke SELECT on table t{n} from eve", "by eve") for n in range(5_000)]
    for now in range(TIMES):
        tally.note(many, now)
    assert len(tally.contended(TIMES)) <= MOST_EDGES
    for now in range(1_000):
        tally.note([EDGE], 100 + now / 1_000)
    assert tally.contended(101.5)[0].times == MOST_COUNTED


def test_each_who_undoes_it_is_named_and_of_many_a_few() -> None:
    tally = Tally()
    for now in range(10):
        tally.note([Corrected(EDGE.edge, f"by person {now}")], now)
    assert tally.contended(10)[0].by == ("by person 7", "by person 8", "by person 9")
