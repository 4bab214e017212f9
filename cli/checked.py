"""What `status`, `drift` and `history` ask a server for, and the checks that they tell."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cli.dsn import parse_dsn
from cli.sheet import Sheet
from regent.checkup.findings import Finding, HasLevel, Level, Verdict
from regent.checkup.of_regent import of_regent
from regent.checkup.of_server import of_server
from regent.checkup.reading import Place
from regent.checkup.seen import Seen
from regent.home.database import LATEST
from regent.settings import connector_of
from shared.errors import PostgRegentError
from shared.resources.regent import DEFAULT_HOME_DATABASE

STATUS = {"Fine": 0, "NotReady": 3, "Unknown": 1}
"""The exit status of each verdict."""
LOOKS_FINE = "All that was looked at is fine."
SIGNS: dict[Level, tuple[str, str]] = {
    "Fine": ("✓", "green"),
    "Note": ("·", ""),
    "Waits": ("…", "yellow"),
    "Fault": ("✗", "bold red"),
    "Unknown": ("?", "bold magenta"),
}


class UnknownRegentError(PostgRegentError):
    """The home database knows no such Regent."""


@dataclass(frozen=True, slots=True)
class OfServer:
    """A server by its DSN; `regent` is one of those that its home database remembers, else all."""

    dsn: str
    home_database: str = DEFAULT_HOME_DATABASE
    regent: str | None = None

    def place(self) -> Place:
        """Where to look. Raises BadDsnError."""
        dsn = parse_dsn(self.dsn, os.environ)
        return Place(connector_of(dsn.server), dsn.database, self.home_database, self.regent)


def require_regent(asked: OfServer, seen: Seen) -> None:
    """Raise UnknownRegentError where one was named that is not there, and all were read."""
    if asked.regent is None or seen.regents or not seen.home.version:
        return
    raise UnknownRegentError(
        f"--regent {asked.regent} is not remembered in {asked.home_database}.",
        way_out="Name it as NAMESPACE/NAME; without --regent all are listed.",
    )


@dataclass(frozen=True, slots=True)
class Checked:
    """The findings, those of the server first and then Regent by Regent."""

    of_server: tuple[Finding, ...]
    of_regents: dict[str, tuple[Finding, ...]]

    @classmethod
    def of(cls, seen: Seen) -> Checked:
        """Everything that was read, judged."""
        regents = {one.regent: of_regent(seen, one) for one in seen.regents}
        return cls(of_server(seen, LATEST), regents)

    @property
    def all(self) -> tuple[Finding, ...]:
        """In the order in which they are told."""
        return (*self.of_server, *(one for some in self.of_regents.values() for one in some))


def add_findings(sheet: Sheet, findings: Iterable[Finding]) -> None:
    """A line for each, and one with what helps."""
    for one in findings:
        sign, style = SIGNS[one.level]
        sheet.add_pieces(("  ", ""), (sign, style), (f" {one.check}: {one.message}", ""))
        if one.way_out:
            sheet.add(f"      → {one.way_out}", "green")


def finding_data(one: Finding) -> dict[str, Any]:
    """For programs."""
    return {
        "regent": one.regent,
        "check": one.check,
        "level": one.level,
        "database": one.database,
        "message": one.message,
        "wayOut": one.way_out,
    }


FINDING_COLUMNS = ("regent", "check", "level", "database", "message", "wayOut")


def verdict_words(verdict: Verdict, findings: Iterable[HasLevel]) -> tuple[str, str]:
    """The last line, and its style."""
    counted = dict.fromkeys(SIGNS, 0)
    for one in findings:
        counted[one.level] += 1
    words = [
        f"{number} {one if number == 1 else many}"
        for number, one, many in (
            (counted["Fault"], "fault", "faults"),
            (counted["Waits"], "thing that waits", "things that wait"),
            (counted["Unknown"], "thing that could not be read", "things that could not be read"),
        )
        if number
    ]
    if verdict == "Fine":
        return LOOKS_FINE, "green"
    return f"Not fine: {', '.join(words)}.", "bold magenta" if verdict == "Unknown" else "bold red"


def now_here() -> datetime:
    """In the zone of this machine, in which people name times."""
    return datetime.now(UTC).astimezone()


Clock = Callable[[], datetime]
