"""`postgregent drift`: what is not as declared now and not corrected. Promised as data.

As JSON or YAML:

    state    Fine, NotReady or Unknown: exit status 0, 3 or 1
    items    list of drifts, as GET /v1/drift says them
    unsure   list of {regent, check, level, database, message, wayOut}: why more may differ than is
             listed; then the state is Unknown

As CSV the items. Fields may be added; none changes its meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cli.checked import STATUS, Checked, OfServer, add_findings, finding_data, require_regent
from cli.drift_lines import COLUMNS, add_drift, drift_data, drift_row, in_order, of_role
from cli.printing import messages, print_data, results
from cli.sheet import Sheet
from cli.table_of import ListOutput, print_csv
from regent.checkup.findings import Finding, Verdict
from regent.checkup.reading import opened, read
from regent.home.store import Home
from shared.outcomes import Drift

PRESENT = frozenset(
    {"Alive", "Clock", "Database", "HomeDatabase", "Layout", "Memory", "Regents", "Server",
     "Standby", "State", "Takeover"}
)  # fmt: skip
"""Checks without which nobody knows what differs now."""


def unsure(findings: Iterable[Finding]) -> list[Finding]:
    """Why more may differ than is recorded. Pure."""
    return [
        one
        for one in findings
        if one.level in ("Fault", "Waits", "Unknown") and one.check in PRESENT - {"Clock"}
    ]


def verdict_on(items: Sequence[Drift], doubts: Sequence[Finding]) -> Verdict:
    """Nothing recorded is only fine where somebody looks. Pure."""
    if doubts:
        return "Unknown"
    return "NotReady" if items else "Fine"


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
                    found += await all_outstanding(home.of(one.regent))
    items = in_order(of_role(found, role))
    show(items, doubts, output)
    return STATUS[verdict_on(found, doubts)]


async def all_outstanding(home: Home) -> list[Drift]:
    """All pages."""
    found: list[Drift] = []
    after = 0
    while page := await home.outstanding(after):
        found += page
        after = page[-1].id
    return found


def show(items: Sequence[Drift], doubts: Sequence[Finding], output: ListOutput) -> None:
    """As it was asked for."""
    match output:
        case "csv":
            print_csv(results(), COLUMNS, map(drift_row, items))
            _tell(doubts)
        case "table":
            sheet = Sheet()
            for one in items:
                add_drift(sheet, one)
            if items:
                sheet.add(f"{len(items):,} not corrected.", "bold red")
            elif not doubts:
                sheet.add("No difference is outstanding.", "green")
            sheet.write(results())
            _tell(doubts)
        case _:
            document = {
                "state": verdict_on(items, doubts),
                "items": [drift_data(one) for one in items],
                "unsure": [finding_data(one) for one in doubts],
            }
            print_data(results(), document, output)


def _tell(doubts: Sequence[Finding]) -> None:
    """Beside the list, where it is not read as a part of it."""
    if not doubts:
        return
    sheet = Sheet()
    sheet.add("What differs now is not known:", "bold magenta")
    add_findings(sheet, doubts)
    sheet.write(messages())
