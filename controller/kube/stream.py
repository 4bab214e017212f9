"""The lines of a watch: cut out of what arrives, and read. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from controller.kube.kinds import JsonObject

LONGEST_LINE_BYTES = 16 * 2**20
"""etcd takes 1.5 MiB an object by default; more than this is no watch."""

EventType: TypeAlias = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]


class NotAWatch(ValueError):
    """A line is not an event of a watch."""


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One line of a watch. Of an ERROR the object is a Status."""

    type: EventType
    object: JsonObject

    @property
    def resource_version(self) -> str:
        """Where to go on after this event."""
        version = self.object["metadata"]["resourceVersion"]
        return str(version)


class _Line(msgspec.Struct):
    type: EventType
    object: JsonObject


_DECODER = msgspec.json.Decoder(_Line)


def read_event(line: bytes) -> WatchEvent:
    """NotAWatch where it is something else, such as a page of a proxy."""
    try:
        read = _DECODER.decode(line)
    except msgspec.DecodeError as problem:
        raise NotAWatch(f"a line of the watch cannot be read: {problem}") from None
    if read.type != "ERROR":
        metadata = read.object.get("metadata")
        if not isinstance(metadata, dict) or not metadata.get("resourceVersion"):
            raise NotAWatch(f"a {read.type} without metadata.resourceVersion")
        if read.type != "BOOKMARK" and not metadata.get("name"):
            raise NotAWatch(f"a {read.type} without metadata.name")
    return WatchEvent(read.type, read.object)


class Lines:
    """Whole lines out of chunks that are cut anywhere; an unfinished last line is never given."""

    def __init__(self, longest: int = LONGEST_LINE_BYTES) -> None:
        self._parts: list[bytes] = []
        self._held = 0
        self._longest = longest

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that this chunk completes."""
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            complete = b"".join((*self._parts, line))
            self._parts, self._held = [], 0
            if complete:
                yield complete
        self._parts.append(rest)
        self._held += len(rest)
        if self._held > self._longest:
            raise NotAWatch(f"a line of more than {self._longest} bytes")
