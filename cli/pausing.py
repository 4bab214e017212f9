"""`postgregent pause` and `resume`: what is done by hand to a role stays for a while (rule 26)."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from shlex import quote
from typing import Any

import asyncpg

from cli.dsn import parse_dsn
from cli.printing import Output, print_data, results
from cli.sheet import Sheet
from regent.home import database as home_database
from regent.home.layout import PAUSES_SINCE
from regent.home.locks import runs
from regent.home.rows import pauses_of
from regent.remembered import Pause
from regent.server.connection import Connection
from regent.settings import connector_of
from shared.errors import PostgRegentError
from shared.listing import first_of
from shared.utc import utc
from sql import load

_SPAN = re.compile(
    r"(?:(?P<d>\d{1,4})d)?(?:(?P<h>\d{1,4})h)?(?:(?P<m>\d{1,5})m)?(?:(?P<s>\d{1,6})s)?"
)


class NoHomeError(PostgRegentError):
    """There is no home database in which a role could be paused."""


class NotPausedError(PostgRegentError):
    """Nothing was paused, or resumed: the home database says why."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where a Regent remembers; both commands reach it through the same server."""

    dsn: str
    database: str


def span_of(text: str) -> timedelta:
    """`90s`, `30m`, `2h`, `1d12h`. Raises ValueError for anything else."""
    found = _SPAN.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise ValueError(f"{text!r} is no time: write it as 30m, 2h or 1d12h, at most 7d.")
    days, hours, minutes, seconds = (int(found[name] or 0) for name in "dhms")
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the home database knows of a role: whose it is, and of its kind what is never managed.

    `watchers` are the Regents that look at roles that nobody declares.
    """

    role_oid: int = 0
    managers: tuple[str, ...] = ()
    watchers: tuple[str, ...] = ()
    is_admin: bool = False
    is_owner: bool = False
    is_built_in: bool = False

    @property
    def regents(self) -> tuple[str, ...]:
        """Those that would do something to it."""
        return self.managers or self.watchers


def why_not_paused(role: str, standing: Standing, home: str) -> NotPausedError | None:
    """That a pause of it would hold nothing, so that nobody relies on it. Pure."""
    if standing.is_admin:
        said = f"{role!r} is the admin itself: no Regent changes it, so there is nothing to pause."
        return NotPausedError(said, way_out="Name the role whose correction shall wait.")
    if standing.is_owner or (standing.is_built_in and not standing.managers):
        said = f"{role!r} belongs to {'PostgRegent' if standing.is_owner else 'PostgreSQL'} itself:"
        return NotPausedError(
            f"{said} no Regent changes it, so there is nothing to pause.",
            way_out="Name the role that it is granted to: its memberships are held with it.",
        )
    if standing.regents:
        return None
    return NotPausedError(
        f"No Regent of the home database {home!r} manages {role!r}: a pause there holds nothing.",
        way_out="Name the homeDatabase of the Regent that does with --home-database.",
    )


def paused_words(role: str, until: datetime, standing: Standing) -> str:
    """What waits until then. Pure."""
    if standing.managers:
        return f"{role!r} is not corrected until {utc(until)}: what is done to it stays."
    return (
        f"{role!r} is managed by no Regent of this home database. Until {utc(until)} it keeps its"
        " LOGIN where unmanagedRoles: Disable would take it; nothing else is held."
    )


def resumed_words(role: str, regents: Sequence[str], running: Collection[str]) -> str:
    """Who corrects it from now on, and when. Pure."""
    said = f"The pause of {role!r} is over."
    if running:
        return f"{said} Regent {first_of(sorted(running), 3)} runs, and looks at it at once."
    if not regents:
        return f"{said} No Regent of this home database manages it."
    named = first_of(regents, 3)
    return (
        f"{said} Regent {named} does not run now: its next pass, or apply, corrects what differs."
    )


async def run_pause(home: Home, role: str, span: timedelta, reason: str, output: Output) -> int:
    """Pause a role. 1: it is not, and why."""
    async with _entered(home) as connection:
        standing = await _standing(connection, role)
        if standing.role_oid and (error := why_not_paused(role, standing, home.database)):
            raise error
        rows = await connection.fetch(load("home/pauses"))
        until = await _asked(connection, "home/pause", role, span, reason)
    before = pauses_of(rows)
    replaced = next((one for one in before if one.role_oid == standing.role_oid), None)
    if output == "table":
        sheet = Sheet()
        sheet.add(paused_words(role, until, standing))
        if replaced:
            sheet.add(
                f"    In place of the pause until {utc(replaced.until)}, by {replaced.by}:"
                f" {replaced.reason}"
            )
        sheet.add(f"    → Earlier: postgregent resume {quote(role)}", "green")
        sheet.write(results())
    else:
        data: dict[str, Any] = {"role": role, "until": utc(until), "reason": reason}
        data["managedBy"] = list(standing.managers)
        data["replaced"] = _data(replaced) if replaced else None
        print_data(results(), data, output)
    return 0


async def run_resume(home: Home, role: str, output: Output) -> int:
    """End a pause. It is no mistake where there is none."""
    async with _entered(home) as connection:
        standing = await _standing(connection, role)
        was_paused = bool(await _asked(connection, "home/resume", role))
        running = [one for one in standing.regents if await runs(connection, one)]
    if output == "table":
        words = resumed_words(role, standing.regents, running)
        sheet = Sheet()
        sheet.add(words if was_paused else f"{role!r} was not paused; nothing was changed.")
        sheet.write(results())
    else:
        data = {"role": role, "wasPaused": was_paused, "regents": list(standing.regents)}
        print_data(results(), data | {"running": running}, output)
    return 0


async def run_list(home: Home, output: Output) -> int:
    """Who is paused now, the first to end first."""
    async with _entered(home) as connection:
        rows = await connection.fetch(load("home/pauses"))
    paused = pauses_of(rows)
    if output != "table":
        print_data(results(), {"paused": [_data(one) for one in paused]}, output)
        return 0
    sheet = Sheet()
    for one in paused:
        sheet.add(f"{one.role!r} until {utc(one.until)}, by {one.by}: {one.reason}")
    if not paused:
        sheet.add("Nobody is paused.")
    sheet.write(results())
    return 0


def _data(one: Pause) -> dict[str, str]:
    return {
        "role": one.role,
        "until": utc(one.until),
        "since": utc(one.since),
        "by": one.by,
        "reason": one.reason,
    }


async def _standing(connection: Connection, role: str) -> Standing:
    """Of a role that there is not: nothing."""
    row = await connection.fetchrow(load("home/whose_role"), role, home_database.OWNER)
    if row is None:
        return Standing()
    return Standing(
        row["role_oid"],
        tuple(row["managers"]),
        tuple(row["watchers"]),
        is_admin=row["is_admin"],
        is_owner=row["is_owner"],
        is_built_in=row["is_built_in"],
    )


async def _asked(connection: Connection, name: str, *values: object) -> Any:
    try:
        return await connection.fetchval(load(name), *values)
    except (asyncpg.UndefinedObjectError, asyncpg.InvalidParameterValueError) as error:
        raise NotPausedError(error.message or "", way_out=error.hint or "") from error


@asynccontextmanager
async def _entered(home: Home) -> AsyncIterator[Connection]:
    """The home database, all of which is ours, as its owner role. Raises NoHomeError."""
    dsn = parse_dsn(home.dsn, os.environ)
    try:
        connection = await home_database.enter(connector_of(dsn.server), home.database)
    except home_database.HomeDatabaseMissing as error:
        raise NoHomeError(
            f"{dsn.server.admin_user!r} may not connect to the home database {home.database!r}.",
            way_out="Name a member of postgregent_owner in --dsn, such as the Regent's admin.",
        ) from error
    if connection is None:
        raise NoHomeError(
            f"There is no home database {home.database!r} on {dsn.server.host}.",
            way_out="Name the right one with --home-database: the homeDatabase of the Regent.",
        )
    try:
        if await home_database.version(connection) < PAUSES_SINCE:
            raise NoHomeError(
                f"The home database {home.database!r} was made by an older PostgRegent.",
                way_out="Start the new Regent once: it brings it up to date.",
            )
        await home_database.act_as_owner(connection)
        yield connection
    finally:
        await connection.close()
