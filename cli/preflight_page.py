"""What a preflight found, on about a page or as data. What the data looks like is promised.

As JSON or YAML:

    server        "db.example.com:5432"
    databases     those that were meant, by name
    admin         the role that acts, and `superuser`, whether it is one
    version       of PostgreSQL, such as 18
    summary       {blocks, risks, notes, unread}: how many findings of each
    findings      list of {severity, name, sentence, objects, ways, unread}
    seconds       how long it took

`severity` is blocks, risk or note; `name` is one of docs/operations.md. `ways` is a list of {text,
by, database}: SQL or a command, who runs it, and in which database, null where that is open. Fields
may be added; none changes its meaning.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cli.pages import PAGE_LINES
from cli.sheet import Sheet
from regent.observed import ObservedServer
from regent.preflight.finding import Finding, Severity, Way
from regent.settings import ServerSettings
from shared.listing import first_of
from shared.printable import printable

NARROWEST, WIDEST = 60, 120
MOST_OBJECTS, MOST_WAYS = 4, 2
INDENT = " " * 8
_STYLES = {Severity.BLOCKS: "bold red", Severity.RISK: "yellow", Severity.NOTE: "cyan"}


@dataclass(frozen=True, slots=True)
class Subject:
    """The server that was looked at, and the databases that were meant."""

    server: ServerSettings
    databases: tuple[str, ...]
    observed: ObservedServer


@dataclass(frozen=True, slots=True)
class _Terse:
    """How much is said of each finding; of what blocks always all but the rest of many objects."""

    most_ways: int = MOST_WAYS
    with_sentences: bool = True
    explains_bare: bool = True
    """With a sentence at least where nothing else would be said."""


_TERSER = (
    _Terse(),
    _Terse(1),
    _Terse(1, with_sentences=False),
    _Terse(1, with_sentences=False, explains_bare=False),
)


def sheet(subject: Subject, found: Sequence[Finding], *, width: int, everything: bool) -> Sheet:
    """The summary, then each finding; less of each where that would be more than a page.

    Statements are never broken, so that they can be pasted.
    """
    width = min(max(width, NARROWEST), WIDEST)
    if everything:
        return _sheet(subject, found, width, None)
    pages = (_sheet(subject, found, width, terse) for terse in _TERSER)
    page = next(pages)
    while len(page.lines) > PAGE_LINES and (shorter := next(pages, None)) is not None:
        page = shorter
    return page


def _sheet(subject: Subject, found: Sequence[Finding], width: int, terse: _Terse | None) -> Sheet:
    """Everything where `terse` is None."""
    page = Sheet()
    observed = subject.observed
    who = f"{observed.admin}{', a superuser' if observed.admin_is_superuser else ''}"
    databases = first_of(subject.databases, MOST_OBJECTS)
    page.add(f"{subject.server.host}:{subject.server.port} as {who}, PostgreSQL {observed.major}")
    style = "bold red" if found and found[0].severity is Severity.BLOCKS else "bold"
    for line in textwrap.wrap(printable(f"{databases}: {_summed_up(found)}."), width):
        page.add(line, style)
    for one in found:
        is_long = terse is None or terse.with_sentences or one.severity is Severity.BLOCKS
        is_long = is_long or (terse is not None and terse.explains_bare and not one.objects)
        head = ((f"{one.severity:<6}  ", _STYLES[one.severity]), (one.name, "bold"))
        if is_long:
            page.add_pieces(*head)
            for line in _wrapped(one.sentence, width):
                page.add(line)
        objects = _objects(one, width, everything=terse is None)
        if not is_long:
            # The name's own place is left out of the first line.
            taken = " " * (len(one.name) + 2)
            first, *objects = _objects(one, width, everything=False, taken=taken) or [""]
            page.add_pieces(*head, (f"  {first.strip()}" if first else "", "dim"))
        for line in objects:
            page.add(line, "dim")
        _add_ways(page, one, width, terse)
    if terse is not None:
        page.add("--all shows every object and every statement, each finding in full.", "dim")
    return page


def _objects(one: Finding, width: int, *, everything: bool, taken: str = "") -> list[str]:
    if everything:
        return [f"{INDENT}- {each}" for each in one.objects]
    return _wrapped(first_of(one.objects, MOST_OBJECTS), width, taken)


def _add_ways(page: Sheet, one: Finding, width: int, terse: _Terse | None) -> None:
    most = len(one.ways)
    if terse is not None:
        most = MOST_WAYS if one.severity is Severity.BLOCKS else terse.most_ways
    for line in _ways(one.ways[:most], width):
        page.add(line, "green")
    if (more := len(one.ways) - most) > 0:
        page.add(f"{INDENT}→ and {more:,} more", "green")


def _summed_up(found: Iterable[Finding]) -> str:
    counts = _counts(found)
    blocks = counts["blocks"] - counts["unread"]
    words = [
        f"{blocks:,} {'finding blocks' if blocks == 1 else 'findings block'}"
        if blocks
        else "nothing blocks",
        f"{counts['risks']:,} {'risk' if counts['risks'] == 1 else 'risks'}",
        f"{counts['notes']:,} {'note' if counts['notes'] == 1 else 'notes'}",
    ]
    if counts["unread"]:
        words.insert(0, "not all could be read")
    return ", ".join(words)


def _counts(found: Iterable[Finding]) -> dict[str, int]:
    each = list(found)
    return {
        "blocks": sum(one.severity is Severity.BLOCKS for one in each),
        "risks": sum(one.severity is Severity.RISK for one in each),
        "notes": sum(one.severity is Severity.NOTE for one in each),
        "unread": sum(one.is_unread for one in each),
    }


def _wrapped(text: str, width: int, taken: str = "") -> list[str]:
    return textwrap.wrap(
        printable(text),
        width,
        initial_indent=INDENT + taken,
        subsequent_indent=INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _ways(ways: Iterable[Way], width: int) -> Iterator[str]:
    """Who runs it, and where, is a comment behind it; before it where that would not fit.

    psql reads no comment behind a command of its own, which begins with a backslash.
    """
    for way in ways:
        said = ", ".join(
            [
                *([f"as {way.by}"] if way.by else ()),
                *([f"in {way.database}"] if way.database else ()),
            ]
        )
        line = printable(f"{INDENT}→ {way.text}")
        if not said:
            yield line
        elif len(line) + len(said) + 4 <= width and "\\" not in way.text:
            yield f"{line} -- {said}"
        else:
            yield f"{INDENT}→ {said}:"
            yield f"{INDENT}  {way.text}"


def document(subject: Subject, found: Sequence[Finding], seconds: float) -> dict[str, Any]:
    """As it is promised above."""
    return {
        "server": f"{subject.server.host}:{subject.server.port}",
        "databases": list(subject.databases),
        "admin": subject.observed.admin,
        "superuser": subject.observed.admin_is_superuser,
        "version": subject.observed.major,
        "summary": _counts(found),
        "findings": [
            {
                "severity": one.severity.value,
                "name": one.name,
                "sentence": one.sentence,
                "objects": list(one.objects),
                "ways": [
                    {"text": way.text, "by": way.by or None, "database": way.database or None}
                    for way in one.ways
                ],
                "unread": one.is_unread,
            }
            for one in found
        ],
        "seconds": round(seconds, 3),
    }
