"""The two sides of a diff: a directory, a directory in a revision of Git, or a server as it is.

A directory needs a catalog, as its patterns mean what is there. All sides that are declared are
read against one server, at one time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from cli.declared import Declared, Request, declare
from cli.dsn import Dsn, parse_dsn
from cli.git_revision import at_revision
from regent.access.places import Places
from regent.desired import Desired
from regent.foresight import Foreseen, foresee, look_at
from shared.errors import PostgRegentError
from shared.outcomes import Outcome

NOT_APPLIED_YET = "Applying"
"""The reason of what nothing but applying it is missing of."""


class NoSideError(PostgRegentError):
    """It is neither a directory nor a server."""


@dataclass(frozen=True, slots=True)
class Named:
    """A side as somebody wrote it: one of the two."""

    text: str
    dsn: str | None = None
    directory: Path | None = None
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A side that was read. `desired` is None of a server as it is."""

    name: str
    places: Places
    desired: Desired | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Both:
    """What is compared, and what could not be read of it, by database."""

    before: Loaded
    after: Loaded
    unread: Mapping[str, str]
    illegible: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Options:
    """What tells how to read them."""

    dsn: str | None = None
    regent: str | None = None
    secrets_from_env: bool = False


def named(text: str) -> Named:
    """What is meant. A directory that is there is one, whatever is in its name.

    Raises NoSideError.
    """
    if Path(text).is_dir():
        return Named(text, directory=Path(text))
    if "://" in text or ("=" in text and "@{" not in text):
        return Named(text, dsn=text)
    directory, at, revision = text.partition("@")
    if at and directory and revision:
        return Named(text, directory=Path(directory), revision=revision)
    raise NoSideError(
        f"{text!r} is no directory, no DIR@REV and no DSN.",
        way_out="Name a directory of manifests, one in a revision of Git as deploy@main, or a"
        " server as postgresql://USER@HOST:PORT/DATABASE.",
    )


async def load(before: Named, after: Named, options: Options) -> Both:
    """Read both. Raises what declaring, Git and servers raise, and NoSideError."""
    sides = (before, after)
    lives = [parse_dsn(one.dsn, os.environ) if one.dsn else None for one in sides]
    dsns = [one.dsn for one in sides if one.dsn]
    dsn = options.dsn or (dsns[0] if len(dsns) == 1 else None)
    with ExitStack() as stack:
        declared = [
            await declare(Request(place, dsn, options.regent, options.secrets_from_env))
            if (place := _place(one, stack)) is not None
            else None
            for one in sides
        ]
    known = [one for one in declared if one is not None]
    unread: dict[str, str] = {}
    illegible: dict[str, None] = {}
    loaded: list[Loaded] = []
    if known:
        foresight = await foresee(known[-1].settings, [one.state for one in known])
        unread |= foresight.unread
        illegible |= dict.fromkeys(foresight.illegible)
        states = iter(foresight.states)
    for one, its, live in zip(sides, declared, lives, strict=True):
        if its is not None:
            loaded.append(_of_state(one, its, next(states)))
        elif live is not None and known and _is_of(live, known[-1]):
            loaded.append(Loaded(str(live), foresight.now))
        elif live is not None:
            found = await look_at(live.server, live.database)
            unread |= found.unread
            illegible |= dict.fromkeys(found.illegible)
            loaded.append(Loaded(str(live), found.now))
    first, second = loaded
    return Both(first, second, unread, tuple(illegible))


def _place(side: Named, stack: ExitStack) -> Path | None:
    if side.directory is None or side.revision is None:
        return side.directory
    return stack.enter_context(at_revision(side.directory, side.revision))


def _is_of(live: Dsn, declared: Declared) -> bool:
    """Whether it was read already, as the same role."""
    server = declared.settings.server
    return (live.server.host, live.server.port, live.server.admin_user) == (
        server.host,
        server.port,
        server.admin_user,
    )


def _of_state(side: Named, declared: Declared, state: Foreseen) -> Loaded:
    outcomes = (*declared.outcomes, *state.outcomes.values())
    notes = [*declared.notes, *map(_not_in_force, filter(_is_not_in_force, outcomes))]
    if state.refused:
        notes.append(
            f"{state.refused} changes would be refused by the server, and are left out;"
            " `postgregent plan` names them."
        )
    return Loaded(side.text, state.places, state.desired, tuple(notes))


def _is_not_in_force(outcome: Outcome) -> bool:
    return not outcome.is_ready and outcome.reason != NOT_APPLIED_YET


def _not_in_force(outcome: Outcome) -> str:
    return f"{outcome.resource} would not be in force, {outcome.reason}: {outcome.message}"
