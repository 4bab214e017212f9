"""What `access-review` found, as data. What the data looks like is promised.

As JSON or YAML:

    digest        of the state that was read: the same access has the same digest, whenever and by
                  whomever it is read
    server        {address, systemIdentifier, version, readBy}
    at            when it was read, in UTC
    directory     the directory that was named, else null
    persons       list of {name, declaredBy, superuser, powers, access}: the roles that may log in.
                  `powers` are lists of {word, way}; `way` is AtOnce or SetRole. `access` is of a
                  superuser empty: it has everything. `declaredBy` are resources, empty where no
                  directory was given
    everybody     like the `access` of a person: what PUBLIC has, and so each of them besides
    unread        list of {database, message}: what could not be read; then the exit status is 1
    illegible     list of texts: what is left out, as its name is not UTF-8

An `access` is a list of {objects, words, way, grantee, through, setRole, lacks}: on all of these
objects the same words (privileges, their grant options, OWNER) by one way, the shortest: `grantee`
has them, null for PUBLIC, `through` are the groups on the way to it, and `setRole` is who has to
become first. `lacks` is what it is of no use without. An object is {database, kind, name}.

As CSV there is a line for each person, object and word. A text that a spreadsheet would take for a
formula has an apostrophe before it. Fields may be added; none changes its meaning.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cli.diff_page import WAYS, place_data
from regent.access.review import Entry, Review, Reviewed
from regent.access.rights import Way
from regent.observed import ObservedServer
from shared.printable import printable
from shared.utc import utc

COLUMNS = (
    "person",
    "word",
    "way",
    "database",
    "kind",
    "object",
    "grantee",
    "through",
    "set role",
    "lacks",
)
_FORMULA = ("=", "+", "-", "@")
EVERYBODY = "PUBLIC"


@dataclass(frozen=True, slots=True)
class Told:
    """A review, and where and when it was made."""

    review: Review
    address: str
    server: ObservedServer
    at: datetime
    directory: str | None = None
    declared_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    illegible: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Of what was read, and of nothing that is otherwise the next time."""
        said = {
            "server": self.server.system_identifier,
            "persons": [_person(one) for one in self.review.persons],
            "everybody": [_entry(one) for one in self.review.everybody],
            "unread": sorted(self.unread),
            "illegible": sorted(self.illegible),
        }
        text = json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def document(self, role: str | None = None) -> dict[str, Any]:
        """As it is promised above. Of one person it has the digest of everybody."""
        return {
            "digest": self.digest,
            "server": {
                "address": self.address,
                "systemIdentifier": self.server.system_identifier or None,
                "version": self.server.version_num,
                "readBy": self.server.login,
            },
            "at": utc(self.at),
            "directory": self.directory,
            "persons": [
                _person(one) | {"declaredBy": list(self.declared_by.get(one.name, ()))}
                for one in self.persons(role)
            ],
            "everybody": [_entry(one) for one in self.review.everybody],
            "unread": [
                {"database": database, "message": why}
                for database, why in sorted(self.unread.items())
            ],
            "illegible": list(self.illegible),
        }

    def persons(self, role: str | None) -> tuple[Reviewed, ...]:
        """All, or the one of this name."""
        return tuple(one for one in self.review.persons if role in (None, one.name))

    def csv_text(self, role: str | None = None) -> str:
        """As it is promised above."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(map(_harmless, self._rows(role)))
        return text.getvalue()

    def _rows(self, role: str | None) -> Iterator[tuple[str, ...]]:
        for one in self.persons(role):
            for word, way in sorted(one.powers.items()):
                yield (one.name, word, WAYS[way], *[""] * (len(COLUMNS) - 3))
            yield from _of_entries(one.name, one.entries)
        yield from _of_entries(EVERYBODY, self.review.everybody)


def _of_entries(name: str, entries: Iterable[Entry]) -> Iterator[tuple[str, ...]]:
    for one in entries:
        for place in one.places:
            for word in one.words:
                yield (
                    name,
                    word,
                    WAYS[_way(one)],
                    place.database,
                    place.word,
                    place.shown if place.is_new else place.called,
                    one.via.principal or EVERYBODY,
                    " > ".join(one.via.through),
                    one.via.set_role,
                    "; ".join(one.lacks),
                )


def _harmless(row: Iterable[str]) -> list[str]:
    found = map(printable, row)
    return [f"'{text}" if text.startswith(_FORMULA) else text for text in found]


def _way(entry: Entry) -> Way:
    return Way.SET_ROLE if entry.via.set_role else Way.AT_ONCE


def _person(one: Reviewed) -> dict[str, Any]:
    return {
        "name": one.name,
        "superuser": one.is_superuser,
        "powers": [{"word": word, "way": WAYS[way]} for word, way in sorted(one.powers.items())],
        "access": [_entry(entry) for entry in one.entries],
    }


def _entry(one: Entry) -> dict[str, Any]:
    return {
        "objects": [place_data(place) for place in one.places],
        "words": list(one.words),
        "way": WAYS[_way(one)],
        "grantee": one.via.principal,
        "through": list(one.via.through),
        "setRole": one.via.set_role or None,
        "lacks": list(one.lacks),
    }
