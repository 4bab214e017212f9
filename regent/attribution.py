"""Who did it, as far as it can be known, and never more than that (semantics 30).

A local change is matched with the recorded events by transaction. A row that was written in a
subtransaction (a savepoint, a block with EXCEPTION) has an id that is neither the event's nor known
to it; but it lies between the event's top transaction and the id that wrote the event's own row.
Other transactions may have got ids in that range, so such a match is Probable. So is the only
session seen, where the row has been written again meanwhile (CREATE INDEX does that too).

Of the shared catalogs nothing is recorded: the sessions that can be seen are asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import asyncpg

import sql
from regent.events import Event
from shared.outcomes import Actor

RECENT_SECONDS = 1.0
XIDS = 1 << 32


def attribute(
    events: Sequence[Event], *, xmins: Collection[int] = (), oids: Collection[int] = ()
) -> tuple[Actor, datetime | None]:
    """The actor of a change to objects (`oids`) whose rows were last written by `xmins`, and when.

    Give the events of the pass that found it; xmins from row_versions(), read before correcting.
    """
    exact = [event for event in events if event.xmin in xmins]
    if event := _best(exact, oids):
        return _actor(event, "Recorded"), event.at
    within = [event for event in events if any(_is_within(event, xmin) for xmin in xmins)]
    if within and _is_one_session(within):
        event = within[-1]
        return _actor(event, "Probable", "It was done inside a subtransaction."), event.at
    if not xmins and events and _is_one_session(events):
        event = _best(events, oids) or events[-1]
        return _actor(event, "Probable", "The only session that changed anything then."), event.at
    if events:
        return _unknown("Several sessions made changes, and the row does not say which."), None
    return _unknown(
        "No event was recorded for it: it was missed, or made around the triggers."
    ), None


async def row_versions(
    connection: asyncpg.Connection, oids: Iterable[int]
) -> Mapping[int, frozenset[int]]:
    """By oid of a relation or schema: the transactions (xmin) that last wrote its catalog rows."""
    rows = await connection.fetch(sql.load("watch/row_versions"), list(oids))
    return {row["oid"]: frozenset(row["xmins"]) for row in rows}


async def likely_actor(connection: asyncpg.Connection, own: Iterable[int]) -> Actor:
    """Who may just have changed a shared catalog: ask at once, sessions do not last.

    Only what kind of statement it was is looked at, on the server; its text may hold a password.
    """
    rows = await connection.fetch(sql.load("watch/suspects"), RECENT_SECONDS, list(own))
    readable = [row for row in rows if row["is_readable"]]
    if len(readable) == 1:
        return _suspect(readable[0])
    if readable:
        return _unknown(f"{len(readable)} sessions ran such statements within that second.")
    if rows:
        return _unknown("The admin may not see what others run; pg_read_all_stats allows it.")
    return _unknown(
        "The session had ended, or gone on to something else, before it was looked for."
    )


async def committed_at(connection: asyncpg.Connection, xmin: int) -> datetime | None:
    """When a row's transaction committed, where the server has track_commit_timestamp on."""
    at: datetime | None = await connection.fetchval(sql.load("watch/commit_time"), str(xmin))
    return at


def _best(events: Sequence[Event], oids: Collection[int]) -> Event | None:
    """The last that names one of the objects, else the last that names none, else the last."""
    naming = [event for event in events if event.objid in oids]
    nameless = [event for event in events if event.objid is None]
    return next((some[-1] for some in (naming, nameless, events) if some), None)


def _is_within(event: Event, xmin: int) -> bool:
    """Transaction ids go round: compare by distance."""
    return (xmin - event.xmin) % XIDS <= (event.written_by - event.xmin) % XIDS


def _is_one_session(events: Sequence[Event]) -> bool:
    return len({(event.pid, event.session_user, event.role) for event in events}) == 1


def _actor(event: Event, certainty: str, why_not: str = "") -> Actor:
    return Actor(
        certainty="Recorded" if certainty == "Recorded" else "Probable",
        session_user=event.session_user,
        role=event.role,
        pid=event.pid,
        application=event.application or None,
        client=event.client,
        command_tag=event.command_tag,
        why_not=why_not,
    )


def _suspect(row: asyncpg.Record) -> Actor:
    return Actor(
        certainty="Probable",
        session_user=row["session_user"],
        pid=row["pid"],
        application=row["application_name"] or None,
        client=row["client"],
        command_tag=row["verb"],
        why_not="The only session seen to run such a statement within that second.",
    )


def _unknown(why_not: str) -> Actor:
    return Actor(certainty="Unknown", why_not=why_not)
