"""What is told of drift that was corrected later than it was found (rule 30)."""

from __future__ import annotations

import pytest

from regent.changes import RevokePrivileges
from regent.plan.describe import describe
from regent.report.settling import settled
from shared.outcomes import Actor, Drift
from tests.unit.passes.test_overtaken import NOON, drift, left

pytestmark = pytest.mark.rule("30")


def found(change: RevokePrivileges, **more: object) -> Drift:
    """Told as not corrected when it was found, one by one."""
    return Drift(
        regent="default/my-regent",
        database="mydb",
        what=describe(change),
        object=str(change.objects[0]),
        role=change.grantees[0],
        found_at=NOON,
        actor=Actor(certainty="Unknown"),
        error="paused until later",
        **more,
    )


@pytest.mark.found("E324")
def test_what_was_found_one_by_one_and_corrected_by_one_change_is_told_as_corrected() -> None:
    """And what somebody undid himself is over, and nobody's correction."""
    one, other = drift(1), drift(2)
    both = RevokePrivileges(
        "mydb", one.kind, (*one.objects, *other.objects), one.privileges, ("r",), "o"
    )
    became = settled([found(one), found(other), found(drift(3))], left((both,)))
    assert [change for _, change in became] == [both, both, None]
    assert [bool(said.correction) for said, _ in became] == [True, True, False]
    assert all(said.corrected_at for said, _ in became)
    (same,) = settled([found(one)], left((one,)))
    assert same[0].correction == "revoked"
    assert settled([found(one)], left((), one)) == (), "it is still to do"
