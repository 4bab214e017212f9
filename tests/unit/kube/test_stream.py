"""The lines of a watch."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.kube.stream import Lines, NotAWatch, read_event


def line(type_: str, **metadata: object) -> bytes:
    return msgspec.json.encode({"type": type_, "object": {"metadata": metadata}})


@given(
    st.lists(st.binary(min_size=1, max_size=20).filter(lambda text: b"\n" not in text)),
    st.lists(st.integers(min_value=0, max_value=300)),
)
def test_lines_come_whole_however_they_are_cut(lines: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(each + b"\n" for each in lines)
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    reader = Lines()
    chunks = [stream[a:b] for a, b in pairwise(places)]
    assert [each for chunk in chunks for each in reader.feed(chunk)] == lines


def test_a_line_that_was_cut_off_is_never_given() -> None:
    reader = Lines()
    assert [*reader.feed(b'{"type":"ADDED"}\n{"type":"DEL')] == [b'{"type":"ADDED"}']


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    reader = Lines(longest=10)
    assert [*reader.feed(b"12345")] == []
    with pytest.raises(NotAWatch, match="more than 10 bytes"):
        [*reader.feed(b"678901")]


@pytest.mark.parametrize("type_", ["ADDED", "MODIFIED", "DELETED"])
def test_an_event_is_a_type_an_object_and_where_to_go_on(type_: str) -> None:
    event = read_event(line(type_, name="db", resourceVersion="12"))
    assert (event.type, event.resource_version) == (type_, "12")
    assert event.object["metadata"]["name"] == "db"


def test_a_bookmark_has_only_a_version() -> None:
    assert read_event(line("BOOKMARK", resourceVersion="99")).resource_version == "99"


def test_an_error_carries_a_status() -> None:
    event = read_event(b'{"type":"ERROR","object":{"kind":"Status","code":410}}')
    assert (event.type, event.object["code"]) == ("ERROR", 410)


@pytest.mark.parametrize(
    "text",
    [
        b"<html>503</html>",
        b'{"kind":"Status","code":503}',
        b'{"type":"ADDED"}',
        b'{"type":"SOMETHING","object":{}}',
        b'{"type":"ADDED","object":[]}',
        line("ADDED", name="db"),
        line("MODIFIED", resourceVersion="12"),
        line("BOOKMARK"),
        b"\xff\xfe",
    ],
)
def test_what_is_no_event_is_never_taken_for_one(text: bytes) -> None:
    """The library gave the page of a proxy to its caller as an event."""
    with pytest.raises(NotAWatch):
        read_event(text)
