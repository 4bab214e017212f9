"""`postgregent history`: what was found, who did it, and what was done about it. Promised as data.

As JSON or YAML: `items`, a list of drifts, oldest first, as GET /v1/history says them, and
`unreadable`, the rows of the home database that cannot be read; with some the exit status is 1.
With `--follow` each drift is a document of its own. As CSV the items.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from cli.checked import OfServer, UnknownRegentError
from cli.drift_lines import (
    COLUMNS,
    add_drift,
    drift_data,
    drift_row,
    in_order,
    of_role,
    require_remembered,
)
from cli.printing import json_text, messages, print_data, results, yaml_text
from cli.sheet import Sheet
from cli.table_of import ListOutput, print_csv
from regent.checkup.reading import opened
from regent.home.database import LATEST
from regent.home.store import Home
from regent.home.unreadable import HomeStateUnreadable
from shared.errors import PostgRegentError
from shared.outcomes import Drift

FOLLOW_SECONDS = 0.5


class NoHistoryError(PostgRegentError):
    """There is no home database in which a history could be."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of it, and whether to go on with what comes."""

    since: datetime | None = None
    role: str | None = None
    follow: bool = False

    def of(self, drifts: Sequence[Drift]) -> list[Drift]:
        """Those that are meant."""
        found = of_role(drifts, self.role)
        return [one for one in found if self.since is None or one.found_at >= self.since]


async def run_history(asked: OfServer, wanted: Wanted, output: ListOutput) -> int:
    """Print it. 0: all that there is. 1: some of it could not be read."""
    async with opened(asked.place()) as home:
        homes = await _homes(asked, home)
        reached = {one.regent: 0 for one in homes}
        everything = await _more(homes, reached)
        found = in_order(wanted.of(everything))
        unreadable = sorted({what for one in homes for what in one.unreadable.told()})
        if not (found or unreadable):
            await _require_known(homes, wanted.role, everything)
        if not wanted.follow:
            _show(found, unreadable, output)
            return 1 if unreadable else 0
        _show_more(found, output, is_first=True)
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            if more := in_order(wanted.of(await _more(homes, reached))):
                _show_more(more, output)


async def _require_known(homes: Sequence[Home], role: str | None, drifts: Sequence[Drift]) -> None:
    """Raises NotRememberedError; not where something that is remembered cannot be read."""
    with suppress(HomeStateUnreadable):
        require_remembered(role, [await one.load() for one in homes], drifts)


async def _homes(asked: OfServer, home: Home | None) -> list[Home]:
    """One for each Regent that is meant. Raises NoHistoryError and UnknownRegentError."""
    if home is None or not 0 < home.version <= LATEST:
        what = "There is no" if home is None else "Nothing can be read in the"
        raise NoHistoryError(
            f"{what} home database {asked.home_database!r} on this server.",
            way_out="postgregent status --dsn … says what is wrong. Name another one with"
            " --home-database: the homeDatabase of the Regent.",
        )
    names = await home.regents()
    if asked.regent is not None and asked.regent not in names:
        listed = ", ".join(names) or "none"
        raise UnknownRegentError(
            f"--regent {asked.regent} is not remembered in {asked.home_database}.",
            way_out=f"Remembered there: {listed}.",
        )
    return [home.of(name) for name in names if asked.regent in (None, name)]


async def _more(homes: Sequence[Home], reached: dict[str, int]) -> list[Drift]:
    """All that came after what was read before, which `reached` says."""
    found: list[Drift] = []
    for home in homes:
        while page := await home.history(reached[home.regent]):
            found += page
            reached[home.regent] = page[-1].id
    return found


def _show(found: Sequence[Drift], unreadable: Sequence[str], output: ListOutput) -> None:
    match output:
        case "table":
            sheet = Sheet()
            for one in found:
                add_drift(sheet, one)
            if not found:
                sheet.add("Nothing was found.")
            sheet.write(results())
        case "csv":
            print_csv(results(), COLUMNS, map(drift_row, found))
        case _:
            items = [drift_data(one) for one in found]
            print_data(results(), {"items": items, "unreadable": list(unreadable)}, output)
            return
    if unreadable:
        told = Sheet()
        told.add(f"Rows that cannot be read: {', '.join(unreadable)}.", "bold magenta")
        told.write(messages())


def _show_more(found: Sequence[Drift], output: ListOutput, *, is_first: bool = False) -> None:
    """As it comes; ends with whoever reads it."""
    console = results(ends_with_reader=True)
    match output:
        case "table":
            sheet = Sheet()
            for one in found:
                add_drift(sheet, one)
            sheet.write(console)
        case "csv":
            print_csv(console, COLUMNS, map(drift_row, found), header=is_first)
        case "json":
            for one in found:
                console.file.write(f"{json_text(drift_data(one), encoding=console.encoding)}\n")
        case "yaml":
            for one in found:
                text = yaml_text(drift_data(one), encoding=console.encoding)
                console.file.write(f"---\n{text}")
    console.file.flush()
