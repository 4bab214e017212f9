"""Who did it, as far as it can be known, and never more than that (rule 30).

A local change is matched with the recorded events by the transaction that wrote its object's row
last. `Recorded` needs more than that: GRANT and REVOKE do not name their object, so whoever ran one
on such an object before may have written the same row. Then all of them are named, as `Probable`.

A row that was written in a subtransaction (a savepoint, a block with EXCEPTION) has an id that is
neither the event's nor known to it; but it lies between the event's top transaction and the id that
wrote the event's own row. Other transactions may have got ids in that range, so it is `Probable`.
So is whatever fits, where the row has been written again since (CREATE INDEX does that).

Of the shared catalogs nothing is recorded: the sessions that can be seen are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import asyncpg

import sql
from regent.detect.events import XIDS, Event, cut
from regent.kinds import COLUMNS, KINDS, MAKING_TAGS, Address
from regent.server.lenient_text import legible
from shared.outcomes import MOST_CANDIDATES, Actor, Candidate
from shared.privileges import ObjectKind

RECENT_SECONDS = 1.0
OF_DEFAULTS = "ALTER DEFAULT PRIVILEGES"
TAKES_DEFAULTS = "DROP OWNED"
_WRITTEN_IN = {row.catalog: row.acl_catalog for row in KINDS.values() if row.part_of is None}
"""By the catalog of an object, the one whose rows a GRANT on it writes."""

Undone = Literal["GRANT", "REVOKE", "ALTER"]
Answer = tuple[Actor, datetime | None]
Writers = Mapping[Address, frozenset[int]]
"""By object of one database, the transactions that last wrote it."""


@dataclass(frozen=True, slots=True)
class Touched:
    """One object that differs. `undoes` is the command that makes such a difference."""

    oid: int
    kind: ObjectKind
    undoes: Undone

    @property
    def address(self) -> Address:
        """Where it is in its database."""
        return KINDS[self.kind].at(self.oid)


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What a pass knows of who may have done it. `events` are by database, oldest first."""

    events: Mapping[str, Sequence[Event]]
    writers: Mapping[str, Writers]
    probable: Actor
    """Of what the whole server shares."""

    def records(self, database: str) -> Records | None:
        """Of one database; None where nothing is recorded."""
        events = self.events.get(database)
        return None if events is None else Records(events, self.writers.get(database, {}))


@dataclass(slots=True)
class Records:
    """The recorded events of one database, and which transactions wrote its objects last."""

    events: Sequence[Event]
    writers: Writers = field(default_factory=dict)
    _named: frozenset[Address] = field(init=False)
    _known: dict[tuple[object, ...], Answer] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._named = frozenset(event.address for event in self.events if event.address)

    def who(self, touched: Touched) -> Answer:
        """The actor of one difference, and when. Objects that nobody named share their answer."""
        xmins = self.writers.get(touched.address, frozenset())
        key: tuple[object, ...] = (xmins, touched.kind, touched.undoes)
        if touched.address in self._named:
            key = (*key, touched.address)
        if key not in self._known:
            self._known[key] = attribute(self.events, touched, xmins)
        return self._known[key]


def of_defaults(events: Sequence[Event], kind: ObjectKind) -> Answer:
    """Who may have changed default privileges on this kind, and when: nothing says whose it was."""
    new_ones = KINDS[kind].new_ones
    keyword = new_ones.keyword if new_ones is not None else ""
    found = [
        event
        for event in events
        if (event.command_tag == OF_DEFAULTS and event.object_type in (keyword, None))
        or event.command_tag == TAKES_DEFAULTS
    ]
    if not found:
        return _unknown(
            "No such command was recorded: it was missed, or made around the triggers."
        ), None
    return _among(found[-1], found, "It fits; the command does not say whose objects it was about.")


def attribute(events: Sequence[Event], touched: Touched, xmins: frozenset[int]) -> Answer:
    """The actor of a difference in an object whose rows `xmins` wrote last, and when.

    Give the events of the pass that found it; xmins from row_versions(), read before correcting.
    """
    fitting = [event for event in events if _fits(event, touched)]
    made = max((e.at for e in fitting if e.address and e.command_tag in MAKING_TAGS), default=None)
    fitting = [event for event in fitting if made is None or event.at >= made]
    if exact := [event for event in fitting if event.xmin in xmins]:
        return _among(exact[-1], _until(exact[-1], fitting))
    if within := [e for e in fitting if any(_is_within(e, xmin) for xmin in xmins)]:
        why = "It was done inside a subtransaction."
        return _among(within[-1], _until(within[-1], fitting), why)
    possible = [e for e in fitting if all(_is_later(xmin, e) for xmin in xmins)]
    if beside := _beside(events, xmins):
        why = "It fits, but another command's transaction wrote the row last."
        return _among([*beside, *possible][-1], [*beside, *possible], why)
    if possible:
        return _among(possible[-1], possible, "It fits, but the row does not say who wrote it.")
    return _unknown(
        "No event was recorded for it: it was missed, or made around the triggers."
    ), None


async def row_versions(connection: asyncpg.Connection, objects: Iterable[Address]) -> Writers:
    """The transactions (xmin) that last wrote the catalog rows of these objects."""
    by_catalog: dict[str, list[int]] = {}
    for catalog, oid in objects:
        by_catalog.setdefault(catalog, []).append(oid)
    return {
        Address(catalog, row["oid"]): frozenset(map(int, row["xmins"]))
        for catalog, oids in by_catalog.items()
        for row in await connection.fetch(_versions_in(catalog), oids)
    }


def _versions_in(catalog: str) -> str:
    if catalog == COLUMNS.catalog:
        return sql.load("watch/relation_versions")
    return sql.compose("watch/row_versions", catalog=_WRITTEN_IN[catalog])


def are_behind(events: Iterable[Event], writers: Writers) -> bool:
    """Whether an object was written by somebody later than all of these events."""
    known = tuple(events)
    return any(
        all(_is_later(xmin, event) and not _is_within(event, xmin) for event in known)
        for xmins in writers.values()
        for xmin in xmins
    )


async def likely_actor(connection: asyncpg.Connection, own: Iterable[int]) -> Actor:
    """Who may just have changed a shared catalog: ask at once, sessions do not last.

    Only what kind of statement it was is looked at, on the server; its text may hold a password.
    """
    rows = await connection.fetch(sql.load("watch/suspects"), RECENT_SECONDS, [*map(str, own)])
    readable = [_suspect(row) for row in rows if row["is_readable"]]
    if readable:
        one = "The only session seen to run such a statement within that second."
        many = f"{len(readable)} sessions ran such statements within that second."
        return _probable(readable, one if len(readable) == 1 else many)
    if rows:
        return _unknown("The admin may not see what others run; pg_read_all_stats allows it.")
    return _unknown(
        "The session had ended, or gone on to something else, before it was looked for."
    )


def _fits(event: Event, touched: Touched) -> bool:
    """Whether this command can have made such a difference in this object."""
    if event.address is not None:
        return event.address == touched.address
    if event.command_tag in ("GRANT", "REVOKE") and event.command_tag != touched.undoes:
        return False
    return event.object_type is None or event.object_type in KINDS[touched.kind].recorded_as


def _until(last: Event, events: Sequence[Event]) -> list[Event]:
    """Those that may have written the row before it: a row is locked until its writer commits."""
    return [event for event in events if event.at <= last.at]


def _beside(events: Sequence[Event], xmins: frozenset[int]) -> list[Event]:
    """Commands whose transaction wrote the row last, though they name another object.

    A sequence follows its table's owner. Of a long transaction not all is recorded, nor how far its
    ids go: whatever was written since it began may be its.
    """
    long = cut(events)
    return [
        event
        for event in events
        if (event.xmin in xmins and (event.xid in long or event.objid is not None))
        or (event.xid in long and xmins and all(_is_later(xmin, event) for xmin in xmins))
    ]


def _among(last: Event, events: Sequence[Event], why: str = "") -> Answer:
    """The one who wrote last, and the latest command of each further session."""
    mine, sessions = _candidate(last), {_session(event): event for event in events}
    sessions.pop(_session(last), None)
    others = [_candidate(event) for event in reversed(sessions.values())]
    if not others and not why and last.backend is None:
        return Actor(certainty="Recorded", **mine.model_dump()), last.at
    if last.backend and not why:
        why = f"It was the server's {last.backend}, which runs what others have written."
    many = f"{len(others) + 1} sessions made such changes then, and GRANT does not say on what."
    return _probable([mine, *others], why if not others else many), last.at


def _probable(candidates: Sequence[Candidate], why_not: str) -> Actor:
    first, *others = candidates
    return Actor(
        certainty="Probable",
        **first.model_dump(),
        why_not=why_not,
        others=tuple(others[:MOST_CANDIDATES]),
    )


def _is_within(event: Event, xmin: int) -> bool:
    """Transaction ids go round: compare by distance."""
    return (xmin - event.xmin) % XIDS <= event.span


def _is_later(xmin: int, event: Event) -> bool:
    """Whether the transaction began after that of the event."""
    return 0 < (xmin - event.xmin) % XIDS < XIDS // 2


def _session(event: Event) -> tuple[object, ...]:
    return event.pid, event.session_user, event.role, event.application, event.client


def _candidate(event: Event) -> Candidate:
    return Candidate(
        session_user=event.session_user,
        role=event.role,
        pid=event.pid,
        application=event.backend or event.application or None,
        client=event.client,
        command_tag=event.command_tag,
    )


def _suspect(row: asyncpg.Record) -> Candidate:
    return Candidate(
        session_user=legible(row["session_user"]),
        pid=row["pid"],
        application=legible(row["application_name"]) or None,
        client=row["client"],
        command_tag=row["verb"],
    )


def _unknown(why_not: str) -> Actor:
    return Actor(certainty="Unknown", why_not=why_not)
