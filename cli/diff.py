"""`postgregent diff A B`: whose access differs between two states, and in what. Writes nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cli.diff_page import DiffPage
from cli.printing import Output, print_data, results
from cli.sides import Options, load, named
from regent.access.difference import Side, difference
from regent.access.later import Differing, differing, later
from shared.errors import PostgRegentError
from shared.problems import nearest

NOTHING, UNKNOWN, DIFFERENT = 0, 1, 2


class NoPersonError(PostgRegentError):
    """--role names nobody who may log in."""


def require_person(role: str, persons: Collection[str]) -> None:
    """Raises NoPersonError, with the nearest name, where nobody who may log in is called so."""
    if role in persons:
        return
    near = nearest(role, persons)
    raise NoPersonError(
        f"--role {role}: nobody who may log in is called so.",
        way_out=f"Did you mean {near}?" if near else "Name a role as PostgreSQL calls it.",
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """What is to be compared, and how much of it is to be shown."""

    before: str
    after: str
    options: Options
    role: str | None = None
    everything: bool = False


async def run_diff(asked: Compared, output: Output) -> int:
    """Print it. 0: nobody gains or loses anything. 2: somebody does. 1: it is not all known."""
    both = await load(named(asked.before), named(asked.after), asked.options)
    before, after = Side(both.before.places), Side(both.after.places)
    found = difference(before, after)
    to_come: tuple[Differing, ...] = ()
    if both.before.desired is not None and both.after.desired is not None:
        to_come = differing(later(before, both.before.desired), later(after, both.after.desired))
    if asked.role is not None:
        require_person(asked.role, [one.name for one in found])
    page = DiffPage(both, found, to_come)
    if output == "table":
        page.sheet(asked.role, everything=asked.everything).write(results())
    else:
        print_data(results(), page.document(asked.role), output)
    if both.unread or page.is_partial:
        return UNKNOWN
    return DIFFERENT if page.changed or to_come else NOTHING
