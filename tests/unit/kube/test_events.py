"""What an Event says; sending them is in tests/kubernetes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.kube.events import (
    LONGEST_NOTE_BYTES,
    News,
    Reference,
    cut,
    event_body,
    is_worth_telling,
    micro_time,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
USER = Reference("putnam120.postgregent/v1alpha1", "User", "web", "intern", "u1")
REGENT = Reference("putnam120.postgregent/v1alpha1", "Regent", "db", "main", "u2")
NEWS = News(USER, "Warning", "SecretMissing", "Compile", "the Secret db is missing")


def test_an_event_lives_beside_what_it_is_about() -> None:
    body = event_body(NEWS, USER, "pod-1", NOW)
    assert body["metadata"]["namespace"] == "web"
    assert body["regarding"] == {
        "apiVersion": "putnam120.postgregent/v1alpha1",
        "kind": "User",
        "namespace": "web",
        "name": "intern",
        "uid": "u1",
    }
    assert (body["type"], body["reason"], body["action"]) == ("Warning", "SecretMissing", "Compile")
    assert "related" not in body


def test_news_of_an_ending_namespace_are_told_of_another_object() -> None:
    body = event_body(NEWS, REGENT, "pod-1", NOW)
    assert body["metadata"]["namespace"] == "db"
    assert body["regarding"]["name"] == "main"
    assert body["related"]["name"] == "intern"
    assert body["note"] == "User web/intern: the Secret db is missing"


def test_what_lives_in_no_namespace_has_its_events_in_default() -> None:
    namespace = Reference("v1", "Namespace", "", "web")
    assert event_body(NEWS, namespace, "pod-1", NOW)["metadata"]["namespace"] == "default"
    assert namespace.as_body() == {"apiVersion": "v1", "kind": "Namespace", "name": "web"}


def test_a_reference_is_read_off_an_object() -> None:
    found = {
        "apiVersion": USER.api_version,
        "kind": "User",
        "metadata": {"namespace": "web", "name": "intern", "uid": "u1"},
    }
    assert Reference.to(found) == USER


def test_each_event_has_a_name_of_its_own_that_begins_with_the_objects() -> None:
    names = {
        event_body(news, USER, "pod-1", now)["metadata"]["name"]
        for news in (NEWS, replace(NEWS, note="another"))
        for now in (NOW, NOW + timedelta(microseconds=1))
    }
    assert len(names) == 4
    assert all(name.startswith("intern.") for name in names)


def test_a_long_name_leaves_room_for_the_rest() -> None:
    long = replace(USER, name="a" * 253)
    assert len(event_body(NEWS, long, "pod-1", NOW)["metadata"]["name"]) == 253


def test_no_secret_is_in_a_note() -> None:
    news = replace(NEWS, note="ALTER ROLE x PASSWORD 'tiger' postgres://me:tiger@host/db")
    assert "tiger" not in event_body(news, USER, "pod-1", NOW)["note"]


@given(st.text(max_size=2000))
def test_a_note_has_at_most_as_many_bytes_as_the_server_takes(note: str) -> None:
    short = cut(note, LONGEST_NOTE_BYTES)
    assert len(short.encode()) <= LONGEST_NOTE_BYTES
    assert short == note or (short.endswith("…") and note.startswith(short[:-1]))


def test_a_time_is_written_in_utc() -> None:
    there = datetime(2026, 1, 2, 5, 4, 5, 678, tzinfo=timezone(timedelta(hours=2)))
    assert micro_time(there) == "2026-01-02T03:04:05.000678Z"


@pytest.mark.parametrize(("count", "worth"), [(1, True), (2, True), (3, False), (64, True)])
def test_repetitions_are_told_ever_more_rarely(count: int, worth: bool) -> None:
    assert is_worth_telling(count) is worth
