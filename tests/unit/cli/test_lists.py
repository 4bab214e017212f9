"""`--since`, and lists as CSV."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta, timezone

import pytest

from cli.drift import verdict_on
from cli.since import since_of
from cli.table_of import csv_text
from regent.checkup.findings import Finding
from shared.outcomes import Actor, Drift

NOW = datetime(2026, 11, 28, 10, 30, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("today", "2026-11-28T00:00:00+02:00"),
        ("yesterday", "2026-11-27T00:00:00+02:00"),
        ("2h", "2026-11-28T08:30:00+02:00"),
        ("1d12h", "2026-11-26T22:30:00+02:00"),
        ("2026-11-27", "2026-11-27T00:00:00+02:00"),
        ("2026-11-28T08:00:00Z", "2026-11-28T10:00:00+02:00"),
    ],
)
def test_since_when(text: str, moment: str) -> None:
    assert since_of(text, NOW) == datetime.fromisoformat(moment)


@pytest.mark.parametrize("text", ["", "soon", "2 hours", "2026-13-01", "-2h", "9999d9999d"])
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        since_of(text, NOW)


def test_what_is_to_come_is_refused() -> None:
    with pytest.raises(ValueError, match="still to come"):
        since_of("2026-11-29", NOW)


def test_csv_keeps_commas_and_quotes_and_sends_nothing_to_a_terminal() -> None:
    text = csv_text(
        ("a", "b", "c"), [{"a": 'x,"y"', "b": "\x1b[2J\n", "c": ["p", "q"]}, {"a": True}]
    )
    assert list(csv.reader(io.StringIO(text))) == [
        ["a", "b", "c"],
        ['x,"y"', "\\x1b[2J\\n", "p q"],
        ["true", "", ""],
    ]
    assert "\x1b" not in text


def test_nothing_recorded_is_fine_only_where_somebody_looks() -> None:
    drift = Drift(regent="a/b", what="x", found_at=NOW, actor=Actor(certainty="Unknown"))
    doubt = Finding("Alive", "Fault", "No Regent runs.")
    assert verdict_on([], []) == "Fine"
    assert verdict_on([drift], []) == "NotReady"
    assert verdict_on([], [doubt]) == verdict_on([drift], [doubt]) == "Unknown"
