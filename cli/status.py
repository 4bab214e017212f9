"""`postgregent status`: does the Regent live, what does it say, what is wrong. Promised as data.

As JSON or YAML, of a server:

    state         Fine, NotReady or Unknown: exit status 0, 3 or 1
    server        {address, database, version, login, systemIdentifier, startedAt, inRecovery}; the
                  identifier is null where it may not be read
    homeDatabase  {name, version}; version null where it was not read
    findings      list of {regent, check, level, database, message, wayOut}: of the server, with an
                  empty `regent`. `level` is Fine, Note, Waits, Fault or Unknown
    regents       list of {regent, state, runs, acceptedRevision, acceptedAt, origin, databases,
                  resources, held, managedRoles, outstandingDrift, brakePulled, findings}; what is
                  not known is null. `resources` counts by kind

As CSV all findings. Fields may be added; none changes its meaning.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

from cli.checked import (
    FINDING_COLUMNS,
    STATUS,
    Checked,
    OfServer,
    add_findings,
    finding_data,
    require_regent,
    verdict_words,
)
from cli.printing import print_data, results
from cli.sheet import Sheet
from cli.table_of import ListOutput, print_csv
from cli.waiting import Look, waited
from regent.checkup.findings import Finding, verdict_of
from regent.checkup.reading import read
from regent.checkup.seen import RegentSeen, Seen
from shared.utc import utc

NOT_LOOKED_AT = (
    "Whether each resource is Ready is not in the home database: `postgregent plan DIR --dsn …`"
    " says it, status --status-dir of a local, status --kubernetes of a cluster."
)


async def run_status(asked: OfServer, output: ListOutput, wait_seconds: float | None = None) -> int:
    """Print what is found. 0: all is fine. 3: something is not. 1: something could not be read."""
    place = asked.place()

    async def look() -> Look:
        seen = await read(place)
        require_regent(asked, seen)
        checked = Checked.of(seen)
        return Look(STATUS[verdict_of(checked.all)], partial(_show, seen, checked, output))

    return await waited(look, wait_seconds)


def _show(seen: Seen, checked: Checked, output: ListOutput) -> None:
    match output:
        case "table":
            _sheet(seen, checked).write(results())
        case "csv":
            print_csv(results(), FINDING_COLUMNS, map(finding_data, checked.all))
        case _:
            print_data(results(), _document(seen, checked), output)


def _sheet(seen: Seen, checked: Checked) -> Sheet:
    sheet = Sheet()
    server, home = seen.server, seen.home
    sheet.add(f"Server {server.address}, PostgreSQL {server.version}, as {server.login}", "bold")
    if home.version:
        sheet.add(f"  Home database {home.name}, version {home.version}")
    add_findings(sheet, checked.of_server)
    for one in seen.regents:
        sheet.add()
        sheet.add(f"Regent {one.regent}", "bold")
        if words := _words(one):
            sheet.add(f"  {words}")
        add_findings(sheet, checked.of_regents[one.regent])
    sheet.add()
    sheet.add(*verdict_words(verdict_of(checked.all), checked.all))
    if seen.regents:
        sheet.add(NOT_LOOKED_AT, "dim")
    return sheet


def _words(one: RegentSeen) -> str:
    """What it shall hold, in a line."""
    accepted = one.remembered.accepted if one.remembered else None
    if accepted is None:
        return ""
    kinds = Counter(entry.kind for entry in accepted.state.resources.values())
    counted = ", ".join(f"{number:,} {kind}" for kind, number in sorted(kinds.items())) or "nothing"
    held = f", {len(accepted.state.held):,} held" if accepted.state.held else ""
    return (
        f"Accepted {utc(accepted.accepted_at)}: revision {accepted.state.revision} of"
        f" {accepted.state.origin}, {counted}{held}; {len(_managed(one)):,} managed roles"
    )


def _managed(one: RegentSeen) -> list[str]:
    marks = one.remembered.marks if one.remembered else ()
    return [mark.role for mark in marks if mark.regent == one.regent and not mark.released]


def _document(seen: Seen, checked: Checked) -> dict[str, Any]:
    server, home = seen.server, seen.home
    return {
        "state": verdict_of(checked.all),
        "server": {
            "address": server.address,
            "database": server.database,
            "version": server.version,
            "login": server.login,
            "systemIdentifier": server.identifier or None,
            "startedAt": utc(server.started_at),
            "inRecovery": server.is_in_recovery,
        },
        "homeDatabase": {
            "name": home.name,
            "version": home.version if home.is_there and not home.trouble else None,
        },
        "findings": [finding_data(one) for one in checked.of_server],
        "regents": [_regent(seen, one, checked.of_regents[one.regent]) for one in seen.regents],
    }


def _regent(seen: Seen, one: RegentSeen, findings: tuple[Finding, ...]) -> dict[str, Any]:
    remembered = one.remembered
    accepted = remembered.accepted if remembered else None
    resources = accepted.state.resources.values() if accepted else ()
    runs = one.holder is not None and one.holder.is_ours
    return {
        "regent": one.regent,
        "state": verdict_of(findings),
        "runs": None if seen.server.is_in_recovery else runs,
        "acceptedRevision": accepted.state.revision if accepted else None,
        "acceptedAt": utc(accepted.accepted_at) if accepted else None,
        "origin": accepted.state.origin if accepted else None,
        "databases": [database.name for database in one.databases],
        "resources": dict(sorted(Counter(entry.kind for entry in resources).items())),
        "held": len(accepted.state.held) if accepted else None,
        "managedRoles": len(_managed(one)) if remembered else None,
        "outstandingDrift": one.outstanding,
        "brakePulled": remembered.brake.pulled_at is not None if remembered else None,
        "findings": [finding_data(finding) for finding in findings],
    }
