"""What an heir gets by the same plan counts, in whatever order the plan gives it."""

from __future__ import annotations

import pytest

from regent.apply.coming import coming_to
from regent.apply.result import ChangeResult
from regent.changes import DropRole, GrantMembership, HandOnOwned, Plan

pytestmark = pytest.mark.found("E1")
GIVEN = GrantMembership("strong", "heir")
AA = HandOnOwned("mydb", "aa", "heir")
PLAN = Plan(
    changes=(
        AA,
        HandOnOwned("mydb", "bb", "heir"),
        HandOnOwned("other", "bb", "heir"),
        HandOnOwned("mydb", "cc", "heir", refusal="It may not."),
        HandOnOwned("mydb", "dd", "another"),
        DropRole("aa"),
        GIVEN,
    )
)


def test_other_leavers_and_what_is_not_given_yet_are_coming() -> None:
    coming = coming_to(AA, PLAN, ())
    assert coming.leavers == ("bb",)
    assert "strong" in coming.given


def test_what_was_given_is_seen_in_the_catalog_and_what_was_refused_may_still_come() -> None:
    assert coming_to(AA, PLAN, [ChangeResult(GIVEN, done=True)]).given == ""
    assert coming_to(AA, PLAN, [ChangeResult(GIVEN, done=False)]).given
