"""Roles that may log in though what declared them is deleted, which no pass ends. Pure.

Nothing says that they are ours to end: no mark, or one that was released. So they are told for as
long as they may log in, and a person ends them, or lists them in `ignoreRoles`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from regent.resolve.unmanaged import Found, Loose
from shared.http import Leftover
from shared.names import quote_ident
from shared.outcomes import EXISTS_UNMANAGED, Outcome


def loose_outcomes(found: Found, told: Iterable[str]) -> tuple[Outcome, ...]:
    """Of deleted Users whose access nobody has ended, less those of which something is told."""
    known = frozenset(told)
    return tuple(
        Outcome(
            resource=one.holder,
            generation=0,
            state="Stalled",
            reason=EXISTS_UNMANAGED,
            message=f"It is deleted, and {_what(one)} {_why_unmarked(one)}",
        )
        for one in found.not_ended
        if one.holder not in known
    )


def loose_leftovers(found: Found) -> Iterator[Leftover]:
    """The same for a list of what is left, and roles that were released."""
    for one in found.not_ended:
        said = f"{one.holder} is deleted, and its role may log in."
        yield Leftover(role=one.role, what=said, message=_why_unmarked(one))
    for one in found.left:
        said = f"{one.holder} is not declared to this Regent, and its role may log in."
        yield Leftover(role=one.role, what=said, message=_why_released(one))


def _what(one: Loose) -> str:
    return f"the role {one.role!r} of its name may log in."


def _why_unmarked(one: Loose) -> str:
    return (
        "No mark says that PostgRegent made it: it is somebody else's, or the home database was put"
        f" back to an older copy. {_way_out(one)}"
    )


def _why_released(one: Loose) -> str:
    by = one.regent or "this one"
    return (
        f"A Regent ({by}) was taken off, or deletionPolicy is Retain, and left it as it was."
        f" Declare it again and delete it then. {_way_out(one)}"
    )


def _way_out(one: Loose) -> str:
    return (
        f"If it is not meant to stay: ALTER ROLE {quote_ident(one.role)} NOLOGIN, and end its"
        " sessions. If it is, list it in ignoreRoles of the Regent."
    )
