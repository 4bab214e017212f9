"""Believe a home database only when all of it is as PostgRegent makes it (rule 5, ADR 20).

Whoever may create databases may create the home database first. What then is in it (a trigger, a
rule, a default) would run in the admin's session, and SET ROLE does not hold it: a function may
reset the role. So nothing in it is used, not even read, before the system catalogs say that all of
it is ours; and that is asked in each session, before anything else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from regent.home.layout import LAYOUTS
from regent.server.connection import Connection
from regent.server.session_settings import PINNED_NAMES
from shared.errors import PostgRegentError
from shared.listing import first_of
from shared.names import OWNER_ROLE, quote_ident
from sql import load

OWNER = OWNER_ROLE
SHOWN = 8
PARTS = ("column ", "constraint ", "CREATE ")
OPEN = "privileges on the database for PUBLIC"


class HomeDatabaseUnsafe(PostgRegentError):
    """The home database is not as PostgRegent makes it, so nothing in it is believed or run."""

    def __init__(
        self, message: str | None = None, *, way_out: str = "", strange: Iterable[str] = ()
    ) -> None:
        super().__init__(message, way_out=way_out)
        self.strange = tuple(strange)
        """What is there and unknown, all of it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is there, and the SQL that mends it where dropping is not enough."""

    what: str
    mend: str = ""


async def check_owner(connection: Connection) -> None:
    """Raise HomeDatabaseUnsafe unless the owner role, where it exists, is as we make it."""
    rows = await connection.fetch(load("home/owner_found"), OWNER)
    if rows:
        found = [Finding(row["what"], row["mend"]) for row in rows]
        raise HomeDatabaseUnsafe(
            "The owner role of the home database is not as PostgRegent makes it: "
            f"{_listed(f.what for f in found)}.",
            way_out=f"Find out who made it, then run as a superuser: {_statements(found)}",
        )


async def check_database(connection: Connection, database: str) -> int:
    """The version of the layout of the connection's database; 0 while it is empty.

    Raises HomeDatabaseUnsafe. Reads system catalogs alone.
    """
    await check_owner(connection)
    rows = await connection.fetch(load("home/found"), OWNER, sorted(PINNED_NAMES))
    found = [Finding(row["what"], row["mend"]) for row in rows]
    version = _version_of(f.what for f in found)
    if version is not None:
        return version
    raise _unsafe(database, found)


def _version_of(found: Iterable[str]) -> int | None:
    """Which of our layouts this is. A database that nobody closed to PUBLIC is still being made."""
    things = frozenset(found)
    if things <= {OPEN}:
        return 0
    return next((number for number, layout in LAYOUTS.items() if layout == things), None)


def _unsafe(database: str, found: Collection[Finding]) -> HomeDatabaseUnsafe:
    nearest = min(LAYOUTS.values(), key=lambda layout: len(layout ^ {f.what for f in found}))
    known = frozenset().union(*LAYOUTS.values())
    unknown = [f for f in found if f.what not in known]
    # Parts of several layouts, each of them known: what is beyond the nearest one is named.
    strange = sorted(unknown or (f for f in found if f.what not in nearest), key=_weight)
    missing = sorted(nearest - {f.what for f in found})
    said = []
    if strange:
        said.append(f"it has {_listed(f.what for f in strange)}")
    if missing and any(f.what in known for f in found):
        said.append(f"it lacks {_listed(missing)}")
    name = quote_ident(database)
    drop = (
        f"drop it as a superuser (DROP DATABASE {name} WITH (FORCE); the Regent makes it anew and "
        "observes until a takeover is accepted), or give the Regent another homeDatabase"
    )
    if strange and not missing and all(f.mend for f in strange):
        way_out = f"Find out who did it, then run as a superuser: {_statements(strange)} Or {drop}."
    else:
        way_out = f"Find out who made it, then {drop}."
    return HomeDatabaseUnsafe(
        f'The database "{database}" is not as PostgRegent makes it: {"; ".join(said)}. '
        "Nothing in it was used.",
        way_out=way_out,
        strange=(f.what for f in strange),
    )


def _weight(finding: Finding) -> tuple[bool, bool, bool, str]:
    """What explains the rest comes first: another owner, then what is about the whole database."""
    what = finding.what
    return not what.startswith("the owner "), not finding.mend, what.startswith(PARTS), what


def _listed(things: Iterable[str]) -> str:
    return first_of(list(things), SHOWN)


def _statements(found: Iterable[Finding]) -> str:
    return " ".join(f"{f.mend};" for f in found if f.mend)
