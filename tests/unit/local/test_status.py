"""Outcomes become lines and files: each thing once, and never inside the directory."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from cli.local import StatusPrinter
from controller.core.revisions import Revisions
from controller.regents.outcome import NotReached, regent_outcome
from controller.status.board import (
    Line,
    StatusBoard,
    StatusFolder,
    StatusFolderInside,
    drift_line,
)
from controller.status.conditions import resource_status
from shared.errors import PostgRegentError
from shared.http import BrakeBody, DetectorBody, StatusBody, TakeoverBody, TroubleBody
from shared.keys import ResourceKey
from shared.outcomes import Actor, Drift, Outcome

ONE = ResourceKey("Regent", "default", "one")
OTHER = ResourceKey("Regent", "default", "other")
VIEWER = "Role/default/viewer"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def outcome(
    reason: str = "Applied", message: str = "As declared.", resource: str = VIEWER
) -> Outcome:
    """Ready when applied, else Stalled."""
    state = "Ready" if reason == "Applied" else "Stalled"
    return Outcome.model_validate(
        {"resource": resource, "state": state, "reason": reason, "message": message}
    )


def body(*outcomes: Outcome, applied: int | None = 1, **more: object) -> StatusBody:
    """A Regent's status."""
    return StatusBody.model_validate(
        {
            "sequence": 1,
            "acceptedRevision": 1,
            "appliedRevision": applied,
            "looked": applied is not None,
            "resources": outcomes,
            "detector": DetectorBody(mode="Triggers", healthy=True),
            **more,
        }
    )


class Lines(list[Line]):
    """What was said."""

    def words(self) -> list[tuple[str, str, str]]:
        """Without times."""
        return [(line.subject, line.state, line.reason) for line in self]


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def board(lines: Lines) -> StatusBoard:
    return StatusBoard(lines.append)


@pytest.mark.found("D31")
def test_a_regent_that_comes_up_is_two_lines(board: StatusBoard, lines: Lines) -> None:
    """That it starts, and what became of it; the same when it starts again."""

    def says(status: StatusBody | None, trouble: NotReached | None = None) -> None:
        board.controller_says([regent_outcome(ONE, 1, status, trouble)])

    for _ in range(2):
        says(None)
        says(None, NotReached("NotReady", "It is not connected."))
        says(body(acceptedRevision=None))
        says(body(applied=None))
        says(body())
    says(None)
    says(None, NotReached("WrongPassword", "Refused."))
    said = [(line.state, line.reason) for line in lines]
    start, ready = ("Reconciling", "Starting"), ("Ready", "Running")
    assert said == [start, ready, start, ready, start, ("Reconciling", "WrongPassword")]


def test_a_change_is_said_once(board: StatusBoard, lines: Lines) -> None:
    """The same status again says nothing; another reason does."""
    board.regent_says(ONE, body(outcome()))
    board.regent_says(ONE, body(outcome()))
    board.regent_says(ONE, body(outcome("NameConflict")))
    assert lines.words() == [(VIEWER, "Ready", "Applied"), (VIEWER, "Stalled", "NameConflict")]


def test_a_resource_that_nobody_speaks_of_any_more_is_gone(
    board: StatusBoard, lines: Lines
) -> None:
    """After its last Regent has let it go."""
    board.regent_says(ONE, body(outcome()))
    board.regent_says(ONE, body())
    assert lines.words()[-1] == (VIEWER, "Gone", "")
    assert board.is_all_ready()


def test_a_regent_that_has_just_started_takes_nothing_back(
    board: StatusBoard, lines: Lines
) -> None:
    """Before its first pass it knows nothing of what it said before it was killed."""
    board.regent_says(ONE, body(outcome()))
    board.regent_says(ONE, body(applied=None))
    assert lines.words() == [(VIEWER, "Ready", "Applied")]


def test_what_controller_and_regent_both_say_is_said_once(board: StatusBoard, lines: Lines) -> None:
    """A held resource is known to both."""
    board.controller_says([outcome("Invalid", "x")])
    board.regent_says(ONE, body(outcome("Invalid", "x")))
    assert lines.words() == [(VIEWER, "Stalled", "Invalid")]


def test_two_regents_are_told_apart(board: StatusBoard, lines: Lines) -> None:
    """By name, as soon as there are two."""
    board.regent_says(ONE, body(outcome()))
    board.regent_says(OTHER, body(outcome()))
    assert [line.regent for line in lines] == ["", "other"]


@pytest.mark.rule("29")
def test_a_status_has_the_conditions_that_tools_read() -> None:
    """Ready; and Reconciling or Stalled with the same reason where it is not."""
    status = resource_status({ONE: outcome(), OTHER: outcome("NameConflict")}, {}, NOW)
    kinds = {one["type"]: (one["status"], one["reason"]) for one in status["conditions"]}
    assert kinds == {"Ready": ("False", "NameConflict"), "Stalled": ("True", "NameConflict")}
    assert [one["name"] for one in status["regents"]] == ["one", "other"]


@pytest.mark.rule("29")
def test_a_condition_keeps_its_time_until_it_changes() -> None:
    """lastTransitionTime is of the status, not of the message."""
    first = resource_status({ONE: outcome()}, {}, NOW)
    later = NOW + timedelta(hours=1)
    same = resource_status({ONE: outcome(message="Other words.")}, first, later)
    changed = resource_status({ONE: outcome("NameConflict")}, same, later)
    assert same["conditions"][0]["lastTransitionTime"] == "2026-01-02T03:04:05Z"
    assert changed["conditions"][0]["lastTransitionTime"] == "2026-01-02T04:04:05Z"


def test_each_resource_has_a_file_that_comes_and_goes(tmp_path: Path) -> None:
    """NAMESPACE/KIND/NAME.yaml; nothing half written is left beside it."""
    (tmp_path / "in").mkdir()
    folder = StatusFolder.outside(tmp_path / "out", tmp_path / "in")
    folder.close()  # of which only a reader of the folder takes note
    board = StatusBoard(lambda _: None, folder)
    board.regent_says(ONE, body(outcome()))
    path = tmp_path / "out/default/Role/viewer.yaml"
    document = yaml.safe_load(path.read_text())
    assert (document["kind"], document["metadata"]["name"]) == ("Role", "viewer")
    assert [one.name for one in path.parent.iterdir()] == ["viewer.yaml"]
    board.regent_says(ONE, body())
    assert not path.exists()


@pytest.mark.rule("29")
def test_a_file_is_not_written_when_nothing_changed(tmp_path: Path) -> None:
    """A new sequence alone is no news."""
    folder = StatusFolder(tmp_path)
    board = StatusBoard(lambda _: None, folder)
    board.regent_says(ONE, body(outcome()))
    path = tmp_path / "default/Role/viewer.yaml"
    written = path.stat().st_ino
    board.regent_says(ONE, body(outcome(), sequence=2))
    assert path.stat().st_ino == written


@pytest.mark.parametrize("place", [".", "status", "deep/er"])
def test_statuses_inside_the_directory_are_refused(tmp_path: Path, place: str) -> None:
    """They would be read as manifests, and change with each change."""
    with pytest.raises(StatusFolderInside):
        StatusFolder.outside(tmp_path / place, tmp_path)


def drift(**more: object) -> Drift:
    """A grant that was taken back after 12 ms."""
    return Drift.model_validate(
        {
            "regent": "default/one",
            "database": "mydb",
            "what": "revoke INSERT on table schema1.a from viewer",
            "deed": "INSERT on table schema1.a was granted to viewer",
            "correction": "revoked",
            "happenedAt": NOW,
            "foundAt": NOW,
            "correctedAt": NOW + timedelta(milliseconds=12),
            "actor": {"certainty": "Recorded", "sessionUser": "eve", "application": "psql"},
            **more,
        }
    )


@pytest.mark.rule("30")
def test_drift_is_told_with_what_who_and_how_long() -> None:
    """One line."""
    said = str(drift_line(drift(), at=NOW))
    assert said == (
        "03:04:05 drift corrected INSERT on table schema1.a was granted to viewer"
        " by eve (psql), revoked 12.0 ms later"
    )


@pytest.mark.rule("30")
def test_what_is_not_known_of_the_author_is_not_pretended() -> None:
    """Probable is said to be, and unknown says why."""
    probable = Actor(certainty="Probable", session_user="eve", role="app")
    unknown = Actor(certainty="Unknown", why_not="three sessions fit")
    assert "probably by eve (as app)" in str(drift_line(drift(actor=probable)))
    assert "by somebody unknown (three sessions fit)" in str(drift_line(drift(actor=unknown)))
    found = drift_line(drift(correctedAt=None, error="permission denied"))
    assert (found.state, "permission denied" in found.message) == ("found", True)


@pytest.mark.parametrize(
    ("status", "trouble", "state", "reason"),
    [
        (None, None, "Reconciling", "Starting"),
        (body(), None, "Ready", "Running"),
        (body(observing="It observes."), None, "Stalled", "Observing"),
        (
            body(observing="x", takeover=TakeoverBody(needed=True, token="t", message="x")),
            None,
            "Stalled",
            "TakeoverNeeded",
        ),
        (body(brake=BrakeBody(pulled=True, digest="d")), None, "Stalled", "BrakePulled"),
        (body(applied=None), None, "Reconciling", "Applying"),
        (body(acceptedRevision=None), None, "Reconciling", "Waiting"),
        (body(), NotReached("NotAnswering", "x"), "Reconciling", "NotAnswering"),
        (body(), NotReached("TakeoverNeeded", "x"), "Stalled", "TakeoverNeeded"),
    ],
)
def test_a_regents_own_outcome(
    status: StatusBody | None, trouble: NotReached | None, state: str, reason: str
) -> None:
    """Trouble comes before what was known, and Ready needs an applied state."""
    found = regent_outcome(ONE, 3, status, trouble)
    assert (found.state, found.reason, found.generation) == (state, reason, 3)


def test_an_error_is_trouble_under_its_own_name() -> None:
    """Without the word Error."""

    class SecretGoneError(PostgRegentError):
        """It is gone."""

    assert NotReached.of(SecretGoneError()) == NotReached("SecretGone", "It is gone.")


@pytest.mark.rule("17")
def test_revisions_grow_even_when_the_clock_does_not() -> None:
    """And begin with the time, so that they grow over a restart."""
    counter = Revisions(clock=lambda: 5.0)
    assert [counter.next(), counter.next()] == [5000, 5001]
    assert Revisions(clock=lambda: 6.0).next() > 5001


@pytest.mark.found("D31")
def test_what_many_say_at_one_time_is_one_line_for_people() -> None:
    """And a line each for programs."""
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    same = [Line(at, f"Role/default/r{n}", "Ready", "Applied", "Fine.") for n in range(9)]
    other = Line(at, "User/default/u", "Stalled", "BrakePulled", "It\x1b[2J waits.")
    file = io.StringIO()
    StatusPrinter("table", Console(file=file)).together([*same, other])
    assert file.getvalue().splitlines() == [
        "12:00:00 Role/default/r0, Role/default/r1, Role/default/r2 and 6 more Ready Applied Fine.",
        "12:00:00 User/default/u Stalled BrakePulled It\\x1b[2J waits.",
    ]
    file = io.StringIO()
    StatusPrinter("json", Console(file=file)).together([*same, other])
    assert len(file.getvalue().splitlines()) == 10


@pytest.mark.found("E9")
def test_while_the_server_is_away_nothing_is_ready_and_that_is_said_once(
    board: StatusBoard, lines: Lines
) -> None:
    """And again once for all, when everything is as it was."""
    both = (outcome(), outcome(resource="Role/default/other"))
    board.regent_says(ONE, body(*both))
    away = TroubleBody(reason="CannotConnect", message="Refused.")
    lost = body(*both).model_copy(update={"looked": False, "trouble": away})
    for _ in range(2):
        board.regent_says(ONE, lost)
    assert {one.reason for one in board.latest()} == {"DatabaseUnreachable"}
    assert lines.words()[2:] == [("2 resources", "Reconciling", "DatabaseUnreachable")]
    board.regent_says(ONE, lost.model_copy(update={"trouble": None}))
    assert not board.is_all_ready(), "connected, and no pass has looked"
    changed = (outcome(), outcome("NameConflict", resource="Role/default/other"))
    board.regent_says(ONE, body(*changed))
    assert lines.words()[3:] == [
        ("1 resource", "Ready", "Applied"),
        ("Role/default/other", "Stalled", "NameConflict"),
    ]
