"""A home database that alone was put back to an older copy is told (rule 28a)."""

from __future__ import annotations

from typing import Any

import pytest

from controller.regents.heard import Said
from controller.status.patch import ready_condition
from shared.http import StatusBody, TakeoverBody
from shared.outcomes import Outcome
from tests.unit.cluster.test_lacks import ONE, RUNS, Saying

pytestmark = [pytest.mark.rule("28a"), pytest.mark.found("E265", "E266")]
UNMANAGED = Outcome(
    resource="User/default/eve",
    state="Stalled",
    reason="ExistsUnmanaged",
    message="A role 'eve' exists.",
)


def says(revision: int, *resources: Outcome, **more: Any) -> StatusBody:
    assert RUNS.status is not None
    given: dict[str, Any] = {"accepted_revision": revision, "applied_revision": revision}
    given |= {"looked": True, "system_identifier": "7"}
    return RUNS.status.model_copy(update=given | {"resources": resources} | more)


async def hear(one: Saying, status: StatusBody, *, is_behind: bool = False) -> None:
    one.reporter.hear(Said(ONE, status, is_behind))
    await one.look(status=status)


async def test_it_is_told_by_an_event_and_for_as_long_as_roles_have_no_mark_for_it() -> None:
    one = Saying()
    await hear(one, says(9))
    assert one.told.news == []
    await hear(one, says(4), is_behind=True)
    await hear(one, says(4), is_behind=True)
    assert one.told.news.count(("Warning", "HomeDatabaseOlder")) == 2  # the note, and the status
    await hear(one, says(10, UNMANAGED))
    ready = ready_condition(one.found["status"])
    assert (ready["status"], ready["reason"]) == ("False", "HomeDatabaseOlder")
    assert "it knew the push of revision 4, and had accepted the one of revision 9" in str(ready)
    assert "User/default/eve" in ready["message"]
    await hear(one, says(10))
    assert ready_condition(one.found["status"])["reason"] == "Running"


@pytest.mark.parametrize(
    "more",
    [
        {"system_identifier": "another"},
        {"takeover": TakeoverBody(needed=True, token="t", message="Home")},
    ],
)
async def test_twin_another_server_and_a_takeover_are_told_as_what_they_are(
    more: dict[str, Any],
) -> None:
    one = Saying()
    await hear(one, says(9))
    await hear(one, says(4, **more), is_behind=True)
    assert ("Warning", "HomeDatabaseOlder") not in one.told.news


async def test_twin_who_is_unmanaged_for_another_reason_is_no_sign_of_it() -> None:
    one = Saying()
    await hear(one, says(9))
    await hear(one, says(10, UNMANAGED))
    assert ready_condition(one.found["status"])["reason"] == "Running"
