"""Code that goes on with a role's rights after somebody's membership in the role has ended.

It was perhaps made in SET ROLE, so the role owns it and it stays. Nothing is asked where nobody's
membership ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from regent.changes import Change, RevokeMembership
from regent.desired import Desired
from regent.server.connections import READ_SECONDS, Connections
from regent.server.lenient_text import shown
from regent.server.trouble import TROUBLE, heed_cancellation
from shared.listing import first_of
from shared.outcomes import CODE_LEFT
from sql import load

SHOWN = 5

Pair = tuple[str, str]
"""(role, member)."""


@dataclass(frozen=True, slots=True)
class CodeLeft:
    """What a role owns in one database that PUBLIC, or who was its member, may use."""

    role: str
    member: str
    database: str
    things: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{CODE_LEFT}The membership of {self.member!r} in {self.role!r} ends. PUBLIC or"
            f" {self.member!r}"
            f" may use code in {self.database!r} that runs with the rights of {self.role!r}:"
            f" {first_of(self.things, SHOWN)}. It may have been made in SET ROLE, and it stays:"
            " look at it, and drop it or revoke it."
        )


def ending_pairs(changes: Iterable[Change], desired: Desired, known: Collection[Pair]) -> set[Pair]:
    """Whose membership in a managed role ends, or has ended; `known` are of earlier passes."""
    ends = {
        (one.group, one.member)
        for one in changes
        if isinstance(one, RevokeMembership) and not one.admin_only
    }
    stay = {(one.group, one.member) for one in desired.memberships}
    return {pair for pair in ends | desired.ended | set(known) if pair[0] in desired.roles} - stay


async def read_code_left(
    connections: Connections, served: Iterable[str], pairs: Collection[Pair]
) -> tuple[CodeLeft, ...]:
    """In each served database; one that gives no answer has told why to who reads it."""
    if not pairs:
        return ()
    roles, members = map(list, zip(*sorted(pairs), strict=True))
    found: dict[tuple[str, str, str], list[str]] = {}
    for database in served:
        try:
            async with connections.use(database, seconds=READ_SECONDS) as connection:
                rows = await connection.fetch(load("leaving/code_left"), roles, members)
        except TROUBLE:
            heed_cancellation()
            continue
        for row in rows:
            place = (row["role"], row["member"], database)
            found.setdefault(place, []).append(shown(row["what"]))
    return tuple(CodeLeft(*place, tuple(things)) for place, things in found.items())
