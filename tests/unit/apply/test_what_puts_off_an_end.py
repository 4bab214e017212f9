"""An attempt to hand on is waited for where the leaver owns what it was about, and nowhere else."""

from __future__ import annotations

import pytest

from regent.apply.leaving import what_puts_off
from regent.apply.result import NOT_REACHED, STAYS, ChangeResult
from regent.changes import HandOnOwned

pytestmark = [pytest.mark.found("E86"), pytest.mark.found("E107")]

HELD = "55P03"


def result(database: str, sqlstate: str = "") -> ChangeResult:
    change = HandOnOwned(database, "leaver", "heir", ())
    return ChangeResult(change, done=not sqlstate, sqlstate=sqlstate)


AWAY, DONE = result("closed", NOT_REACHED), result("mydb")


@pytest.mark.parametrize(
    ("results", "owning", "expected"),
    [
        ([AWAY, DONE], set(), None),
        ([AWAY, DONE], {"other"}, None),
        ([AWAY, DONE], {"closed"}, AWAY),
        ([AWAY], {None}, AWAY),
        ([AWAY, result("mydb", STAYS)], {None, "mydb"}, None),
        ([AWAY, result("mydb", HELD)], {None}, result("mydb", HELD)),
        ([result("mydb", STAYS)], {"mydb"}, None),
    ],
)
def test_an_end_waits_only_for_places_where_something_is_left(
    results: list[ChangeResult], owning: set[str | None], expected: ChangeResult | None
) -> None:
    assert what_puts_off(results, owning) == expected
