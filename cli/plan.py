"""`postgregent plan DIR`: what a pass would do. Writes nothing, needs no lock (interfaces 9)."""

from __future__ import annotations

from cli.declared import Request, declare
from cli.printing import Output, print_data, results
from cli.show import (
    brake_data,
    changes_data,
    outcome_data,
    print_brake,
    print_changes,
    print_notes,
    print_outcome_notes,
    print_outcomes,
    print_subject,
    print_summary,
    summary_data,
    takeover_data,
    would_be,
)
from regent.once import OnceReport, plan_once
from shared.outcomes import Outcome

NOTHING, CHANGES = 0, 2
RELEASE = "postgregent apply … --release {digest}"


async def run_plan(request: Request, output: Output, *, sql: bool) -> int:
    """Print the plan. 0: nothing to do. 2: there are changes."""
    declared = await declare(request)
    report = await plan_once(declared.settings, declared.state)
    outcomes = (*declared.outcomes, *report.outcomes)
    known = would_be(outcomes)
    console = results()
    if output == "table":
        print_subject(console, declared.subject)
        print_changes(console, report.plan.changes, major=report.major, sql=sql)
        print_outcomes(console, [one for one in known if not one.is_ready])
        digest = report.brake.digest if report.brake else ""
        print_brake(console, report.brake, RELEASE.format(digest=digest))
        print_outcome_notes(console, outcomes)
        print_notes(console, report.notes)
        print_summary(console, report.plan.changes)
    else:
        document = declared.subject.to_json() | _document(report, known, sql=sql)
        print_data(console, document, output)
    return NOTHING if report.plan.is_empty else CHANGES


def _document(report: OnceReport, outcomes: tuple[Outcome, ...], *, sql: bool) -> dict[str, object]:
    changes = report.plan.changes
    return {
        "changes": changes_data(changes, major=report.major, sql=sql),
        "summary": summary_data(changes),
        "outcomes": outcome_data(outcomes),
        "brake": brake_data(report.brake),
        "takeover": takeover_data(report.takeover),
        "notes": list(report.notes),
        "seconds": round(report.seconds, 4),
    }
