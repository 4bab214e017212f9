"""Drift becomes Events: on the Regent and on what it is about, the same one counted and not new."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.kube.events import News
from controller.kube.kinds import JsonObject
from controller.status.drift_events import DriftEvents, note_of
from shared.drift_text import who
from shared.keys import ResourceKey
from shared.outcomes import CONTENDED, PAUSED, REPORTED, Actor, Candidate, Drift

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
REGENT = ResourceKey("Regent", "default", "my-regent")
INTRUDER = Actor(
    certainty="Recorded",
    session_user="intruder",
    role="app_owner",
    application="psql",
    client="10.0.0.7",
    pid=7,
)


def drift(actor: Actor = INTRUDER, **more: Any) -> Drift:
    """A stray grant that was taken back."""
    values: dict[str, Any] = {
        "regent": "default/my-regent",
        "database": "mydb",
        "what": "revoke INSERT on table schema1.airports from mydb-viewer",
        "deed": "INSERT on table schema1.airports was granted to mydb-viewer",
        "correction": "revoked",
        "resources": ("Role/default/mydb-viewer",),
        "happened_at": NOW,
        "found_at": NOW,
        "corrected_at": NOW + timedelta(milliseconds=4),
        **more,
    }
    return Drift(actor=actor, **values)


@pytest.mark.rule("30")
@pytest.mark.found("C23")
def test_an_event_says_what_the_actor_did_and_then_what_was_done_about_it() -> None:
    assert note_of([drift()]) == (
        "in mydb: INSERT on table schema1.airports was granted to mydb-viewer"
        " by intruder (as app_owner, psql, 10.0.0.7), revoked"
    )
    several = [drift(deed=f"{n} was granted") for n in range(7)]
    assert note_of(several).endswith("; and 2 more")
    found = drift(corrected_at=None, correction="", error="permission denied")
    assert note_of([found]).endswith("not corrected: permission denied")
    late = drift(found_at=NOW + timedelta(hours=1))
    assert note_of([late]).endswith(", revoked (done at 2026-06-01T12:00:00Z)")


@pytest.mark.rule("30")
@pytest.mark.found("C23")
def test_every_candidate_is_named_and_none_as_recorded() -> None:
    probable = Actor(
        certainty="Probable", session_user="bob", others=(Candidate(session_user="alice"),)
    )
    assert who(probable) == "probably by bob or alice"
    unknown = Actor(certainty="Unknown", why_not="A timed look.")
    assert who(unknown) == "by somebody unknown (A timed look)"


class Recorder:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.news: list[News] = []

    def record(self, news: News) -> None:
        self.news.append(news)


def found(key: ResourceKey) -> JsonObject | None:
    return {
        "apiVersion": "putnam120.postgregent/v1alpha1",
        "kind": key.kind,
        "metadata": {"namespace": key.namespace, "name": key.name, "uid": f"u-{key.name}"},
    }


@pytest.mark.found("C23")
@pytest.mark.found("B22")
async def test_the_role_hears_of_it_too_and_the_same_deed_again_is_the_same_news() -> None:
    recorder = Recorder()
    events = DriftEvents(recorder, found, burst_seconds=0)  # type: ignore[arg-type]
    for minutes in (0, 3):
        later = NOW + timedelta(minutes=minutes)
        again = INTRUDER.model_copy(update={"pid": 7 + minutes})
        events.add(
            REGENT,
            drift(again, happened_at=later, found_at=later, corrected_at=later),
        )
        await asyncio.sleep(0.01)
    assert [news.regarding.kind for news in recorder.news] == ["Regent", "Role"] * 2
    assert len(set(recorder.news)) == 2


@pytest.mark.rule("26")
async def test_what_is_contended_paused_or_only_reported_has_events_of_its_own() -> None:
    recorder = Recorder()
    events = DriftEvents(recorder, found, burst_seconds=0)  # type: ignore[arg-type]
    for correction in ("revoked", CONTENDED, PAUSED, REPORTED):
        events.add(REGENT, drift(INTRUDER, correction=correction, resources=(), corrected_at=NOW))
    await asyncio.sleep(0.01)
    reasons = [news.reason for news in recorder.news]
    assert reasons == ["DriftCorrected", "UnmanagedRole", "Contended", "Paused"]
