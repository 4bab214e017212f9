"""What statuses say, as the controller writes them, and when they are not believed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cli.told import Told, told_by
from controller.status.patch import RegentNews, status_of, status_of_regent
from regent.checkup.findings import Level, verdict_of
from shared.http import DetectorBody, StatusBody
from shared.keys import ResourceKey
from shared.outcomes import Outcome, State
from tests.declared import NOON
from tests.unit.cluster.objects import REGENT_SPEC, raw

REGENT = ResourceKey("Regent", "default", "my-regent")
DETECTOR = DetectorBody(mode="Triggers", healthy=True)


def regent(drift: int | None = 0, **said: Any) -> dict[str, Any]:
    found = raw("Regent", "my-regent", REGENT_SPEC)
    values = {
        "looked": True,
        "detector": DETECTOR,
        "last_pass_time": NOON,
        "accepted_revision": 1,
        "applied_revision": 1,
        **said,
    }
    news = RegentNews(status=StatusBody(sequence=1, **values), drift=drift)
    return {**found, "status": status_of_regent(found, REGENT, news, None, NOON)}


def role(state: State, reason: str) -> dict[str, Any]:
    found = raw("Role", "viewer", {"database": "mydb"})
    outcome = Outcome(resource="Role/default/viewer", generation=1, state=state, reason=reason,
                      message="As it is.")  # fmt: skip
    return {**found, "status": status_of(found, None, {REGENT: outcome}, NOON)}


def levels(told: list[Told]) -> dict[str, Level]:
    return {one.condition: one.level for one in told if one.level != "Fine"}


def test_what_is_ready_and_in_sync_is_fine() -> None:
    assert levels(told_by(regent(), NOON)) == {}
    assert levels(told_by(role("Ready", "Applied"), NOON)) == {}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (regent(drift=2), {"Drifted": "Fault"}),
        (regent(drift=None), {"Drifted": "Unknown"}),
        (
            regent(detector=DetectorBody(mode="Triggers", healthy=False)),
            {"DetectorHealthy": "Fault"},
        ),
        (role("Stalled", "BrakePulled"), {"Ready": "Fault"}),
        (role("Reconciling", "RegentAway"), {"Ready": "Unknown"}),
        (raw("Role", "new", {"database": "mydb"}), {"Ready": "Unknown"}),
    ],
)
def test_what_is_not_so_and_what_is_not_known_are_told_apart(
    document: dict[str, Any], expected: dict[str, Level]
) -> None:
    assert levels(told_by(document, NOON)) == expected


def test_what_is_said_of_an_older_generation_says_nothing_of_the_new_one() -> None:
    document = role("Ready", "Applied")
    document["metadata"]["generation"] = 2
    assert levels(told_by(document, NOON)) == {"Ready": "Unknown"}


def test_a_regent_whose_passes_stopped_is_not_known_to_live() -> None:
    """However ready it was: nobody takes that back where no controller runs."""
    at = NOON + timedelta(minutes=4)
    assert levels(told_by(regent(), at)) == {}
    late = told_by(regent(), at + timedelta(minutes=2))
    assert levels(late) == {"Alive": "Unknown"}
    assert verdict_of(late) == "Unknown"
    seldom = regent()
    seldom["spec"] = {**seldom["spec"], "resyncSeconds": 3600}
    assert levels(told_by(seldom, at + timedelta(hours=1))) == {}
