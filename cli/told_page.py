"""`postgregent status --status-dir` and `--kubernetes`: what statuses say. Promised as data.

As JSON or YAML:

    state       Fine, NotReady or Unknown: exit status 0, 3 or 1
    conditions  list of {resource, condition, level, reason, message}; `level` is Fine, Note, Waits,
                Fault or Unknown. `resource` is kind/namespace/name, or empty

As CSV the conditions. Fields may be added; none changes its meaning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from cli.checked import SIGNS, STATUS, verdict_words
from cli.printing import print_data, results
from cli.sheet import Sheet
from cli.table_of import ListOutput, print_csv
from cli.told import COLUMNS, Told
from cli.waiting import Look
from regent.checkup.findings import verdict_of

REASONS = "docs/reasons.md says what helps against each reason."


def told_look(told: Sequence[Told], output: ListOutput) -> Look:
    """What they say. 0: all is Ready. 3: something is not. 1: something is not known."""
    return Look(STATUS[verdict_of(told)], partial(_show, told, output))


def _show(told: Sequence[Told], output: ListOutput) -> None:
    match output:
        case "csv":
            print_csv(results(), COLUMNS, (one.to_json() for one in told))
        case "table":
            _sheet(told).write(results())
        case _:
            conditions = [one.to_json() for one in told]
            print_data(results(), {"state": verdict_of(told), "conditions": conditions}, output)


def _sheet(told: Sequence[Told]) -> Sheet:
    """Regents in full, of all else what is not fine; the rest is counted."""
    sheet = Sheet()
    fine: Counter[str] = Counter()
    for one in told:
        is_fine = one.level == "Fine"
        kind = one.resource.partition("/")[0]
        if is_fine and kind not in ("Regent", ""):
            fine[kind] += one.condition == "Ready"
            continue
        sign, style = SIGNS[one.level]
        reason = "" if one.reason in ("", one.condition) else f" {one.reason}"
        place = f"{one.resource} " if one.resource else ""
        sheet.add_pieces((sign, style), (f" {place}{one.condition}{reason}: {one.message}", ""))
    if fine:
        counted = ", ".join(f"{number:,} {kind}" for kind, number in sorted(fine.items()))
        sheet.add_pieces(SIGNS["Fine"], (f" Ready: {counted}", ""))
    sheet.add(*verdict_words(verdict_of(told), told))
    if any(one.level not in ("Fine", "Note") for one in told):
        sheet.add(f"→ {REASONS}", "green")
    return sheet
