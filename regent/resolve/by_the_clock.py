"""What shall begin or end at a time, where no Regent stays to see the time come. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.resources import UserSpec
from shared.state import DesiredState, postgres_name_of
from shared.utc import utc

MOST_NAMED = 20
DONE_BY = (
    "To have it done, run `postgregent local` or a Regent in a cluster, or run `postgregent apply`"
    " again after that time."
)


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """One thing of one user that begins or ends."""

    at: datetime
    what: str
    does: Literal["begins", "ends"]

    def __str__(self) -> str:
        word = "from" if self.does == "begins" else "until"
        return f"{self.what} {word} {utc(self.at)}"


def notes_on_time(state: DesiredState, now: datetime) -> tuple[str, ...]:
    """For whoever applies once: what will not begin, and what will not end, by itself."""
    moments = sorted(_moments(state, now))
    beginning = [str(one) for one in moments if one.does == "begins"]
    ending = [str(one) for one in moments if one.does == "ends"]
    notes = []
    if ending:
        notes.append(f"Nothing ends this by itself after apply: {_listed(ending)}. {DONE_BY}")
    if beginning:
        notes.append(f"Nothing begins this by itself after apply: {_listed(beginning)}. {DONE_BY}")
    return tuple(notes)


def _moments(state: DesiredState, now: datetime) -> Iterator[Moment]:
    for text, entry in state.resources.items():
        if entry.kind == "User" and entry.spec.is_enabled:
            yield from _of_user(postgres_name_of(text, entry), entry.spec, now)


def _of_user(name: str, spec: UserSpec, now: datetime) -> Iterator[Moment]:
    if spec.valid_until is not None:
        if spec.valid_until <= now:
            return
        what = f"LOGIN and sessions of {name!r} (PostgreSQL refuses its password alone)"
        yield Moment(spec.valid_until, what, "ends")
    for access in spec.access:
        what = f"the access of {name!r} to Role {access.role!r}"
        if access.starts_at is not None and access.starts_at > now:
            yield Moment(access.starts_at, what, "begins")
        elif access.until > now:
            yield Moment(access.until, what, "ends")


def _listed(found: list[str]) -> str:
    more = len(found) - MOST_NAMED
    return "; ".join(found[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
