"""`postgregent drift`: what is not as declared now and not corrected. Promised as data.

As JSON or YAML:

    state    Fine, NotReady or Unknown: exit status 0, 3 or 1
    items    list of drifts, as GET /v1/drift says them
    unsure   list of {regent, check, level, database, message, wayOut}: why more may differ than is
             listed; then the state is Unknown

As CSV the items. Fields may be added; none changes its meaning.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from cli.checked import STATUS, Checked, OfServer, add_findings, finding_data, require_regent
from cli.drift_lines import (
    COLUMNS,
    add_drift,
    drift_data,
    drift_row,
    in_order,
    of_role,
    require_remembered,
)
from cli.printing import messages, print_data, results
from cli.sheet import Sheet
from cli.table_of import ListOutput, print_csv
from regent.checkup.findings import Finding, Verdict
from regent.checkup.reading import opened, read
from shared.outcomes import Drift

PRESENT = frozenset(
    {"Alive", "Database", "HomeDatabase", "Layout", "Memory", "Regents", "Server",
     "Standby", "State", "Takeover"}
)  # fmt: skip
"""Checks without which nobody knows what differs now."""


def unsure(findings: Iterable[Finding]) -> list[Finding]:
    """Why more may differ than is recorded. Pure."""
    return [
        one
        for one in findings
        if one.level in ("Fault", "Waits", "Unknown") and one.check in PRESENT
    ]


def verdict_on(items: Sequence[Drift], doubts: Sequence[Finding]) -> Verdict:
    """Nothing recorded is only fine where somebody looks. Pure."""
    if doubts:
        return "Unknown"
    return "NotReady" if items else "Fine"


@dataclass(frozen=True, slots=True)
class Listed:
    """What is told; `others` is how many are of other roles than the one that was named."""

    items: Sequence[Drift]
    others: int
    doubts: Sequence[Finding]
    verdict: Verdict


async def run_drift(asked: OfServer, role: str | None, output: ListOutput) -> int:
    """Print what is outstanding. 0: nothing. 3: something. 1: it is not known."""
    place = asked.place()
    seen = await read(place)
    require_regent(asked, seen)
    doubts = unsure(Checked.of(seen).all)
    found: list[Drift] = []
    if seen.regents:
        async with opened(place) as home:
            if home is not None:
                for one in seen.regents:
                    found += await all_pages(home.of(one.regent).outstanding)
                remembered = [one.remembered for one in seen.regents if one.remembered]
                if role and len(remembered) == len(seen.regents):
                    past = [await all_pages(home.of(one.regent).history) for one in seen.regents]
                    require_remembered(role, remembered, chain(found, *past))
    items = in_order(of_role(found, role))
    verdict = verdict_on(found, doubts)
    _show(Listed(items, len(found) - len(items), doubts, verdict), output)
    return STATUS[verdict]


async def all_pages(read_page: Callable[[int], Awaitable[Sequence[Drift]]]) -> list[Drift]:
    """Of what is outstanding, or of the history."""
    found: list[Drift] = []
    after = 0
    while page := await read_page(after):
        found += page
        after = page[-1].id
    return found


def _show(listed: Listed, output: ListOutput) -> None:
    match output:
        case "csv":
            print_csv(results(), COLUMNS, map(drift_row, listed.items))
            _tell(listed.doubts)
        case "table":
            _sheet(listed).write(results())
            _tell(listed.doubts)
        case _:
            document = {
                "state": listed.verdict,
                "items": [drift_data(one) for one in listed.items],
                "unsure": [finding_data(one) for one in listed.doubts],
            }
            print_data(results(), document, output)


def _sheet(listed: Listed) -> Sheet:
    sheet = Sheet()
    for one in listed.items:
        add_drift(sheet, one)
    if listed.items:
        sheet.add(f"{len(listed.items):,} not corrected.", "bold red")
    if listed.others:
        sheet.add(f"Of other roles {listed.others:,}: leave --role out.", "bold red")
    if listed.verdict == "Fine":
        sheet.add("No difference is outstanding.", "green")
    return sheet


def _tell(doubts: Sequence[Finding]) -> None:
    """Beside the list, where it is not read as a part of it."""
    if not doubts:
        return
    sheet = Sheet()
    sheet.add("What differs now is not known:", "bold magenta")
    add_findings(sheet, doubts)
    sheet.write(messages())
