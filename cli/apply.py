"""`postgregent apply DIR`: one pass under the Regent's lock, and then the end (interfaces 9)."""

from __future__ import annotations

from cli.declared import Request, declare
from cli.printing import Output, print_data, results
from cli.show import (
    brake_data,
    outcome_data,
    print_brake,
    print_done,
    print_notes,
    print_outcome_notes,
    print_outcomes,
    print_results,
    print_subject,
    results_data,
    summary_data,
    takeover_data,
)
from regent.once import OnceReport, apply_once
from shared.outcomes import Outcome

ALL_READY, NOT_READY = 0, 3
RELEASE = "postgregent apply … --release {digest}"


async def run_apply(
    request: Request,
    output: Output,
    *,
    release: str | None,
    takeover: str | None,
    sql: bool,
) -> int:
    """Apply and print what was done. 0: all is Ready. 3: applied, and something is not."""
    declared = await declare(request)
    report = await apply_once(declared.settings, declared.state, release=release, takeover=takeover)
    outcomes = (*declared.outcomes, *report.outcomes)
    console = results()
    if output == "table":
        print_subject(console, declared.subject)
        print_results(console, report.results)
        print_outcomes(console, outcomes)
        digest = report.brake.digest if report.brake else ""
        print_brake(console, report.brake, RELEASE.format(digest=digest))
        print_outcome_notes(console, outcomes)
        print_notes(console, report.notes)
        print_done(console, report.results, report.seconds)
    else:
        document = declared.subject.to_json() | _document(report, outcomes, sql=sql)
        print_data(console, document, output)
    is_ready = report.brake is None and all(outcome.is_ready for outcome in outcomes)
    return ALL_READY if is_ready else NOT_READY


def _document(report: OnceReport, outcomes: tuple[Outcome, ...], *, sql: bool) -> dict[str, object]:
    return {
        "results": results_data(report.results, major=report.major, sql=sql),
        "summary": summary_data([one.change for one in report.results if one.done]),
        "outcomes": outcome_data(outcomes),
        "brake": brake_data(report.brake),
        "takeover": takeover_data(report.takeover),
        "notes": list(report.notes),
        "seconds": round(report.seconds, 4),
    }
