"""`postgregent apply DIR`: one pass under the Regent's lock, and then the end (interface 9)."""

from __future__ import annotations

from dataclasses import replace

from cli.declared import Request, declare
from cli.one_role import of_the_role, require_known
from cli.pages import Page, Wanted, release_command
from cli.printing import Output, print_data, results
from cli.progress import Progress
from cli.show import report_data, results_data, summary_data
from regent.changes import Plan
from regent.gate.losses import losses
from regent.one_shot import OnceReport, apply_once
from shared.consent import Consent
from shared.outcomes import Outcome

ALL_READY, NOTHING_APPLIED, NOTHING_RELEASED, NOT_READY = 0, 1, 2, 3


async def run_apply(
    request: Request,
    output: Output,
    wanted: Wanted,
    *,
    release: str | None,
    takeover: str | None,
) -> int:
    """Apply and print what was done. 0: all is Ready. 3: applied, and something is not.

    Who leaves and could not be ended counts as something.

    1: nothing could be written. 2: all is Ready, and there was nothing to release.
    """
    declared = await declare(request)
    require_known(wanted.role, declared.roles.values())
    consents = (Consent("Brake", release or ""), Consent("Takeover", takeover or ""))
    progress = Progress()
    async with progress.told():
        report = await apply_once(
            declared.settings, declared.state, consents=consents, heed=progress.heed
        )
    report = replace(report, notes=(*declared.notes, *report.notes, *_of_release(release, report)))
    outcomes = (*declared.outcomes, *report.outcomes)
    status = _status(report, outcomes, release)
    if wanted.role is not None:
        report, outcomes = of_the_role(wanted.role, report, outcomes, declared.roles)
    console = results()
    if output == "table":
        page = Page(
            subject=declared.subject,
            report=report,
            changes=[one.change for one in report.results],
            outcomes=outcomes,
            noted=outcomes,
            release=release_command(report),
            wanted=wanted,
            results=report.results,
            is_done=True,
        )
        page.sheet().write(console)
    else:
        document = declared.subject.to_json() | _document(report, outcomes, sql=wanted.sql)
        print_data(console, document, output)
    return status


def _status(report: OnceReport, outcomes: tuple[Outcome, ...], release: str | None) -> int:
    if report.is_in_recovery:
        return NOTHING_APPLIED
    is_ready = report.brake is None and all(outcome.is_ready for outcome in outcomes)
    if not is_ready or report.is_blind or report.has_stayed:
        return NOT_READY
    return NOTHING_RELEASED if _is_idle(release, report) else ALL_READY


def _is_idle(release: str | None, report: OnceReport) -> bool:
    """A release was asked for, and nothing was or is withheld."""
    return release is not None and report.brake is None and not report.has_let_go


def _of_release(release: str | None, report: OnceReport) -> tuple[str, ...]:
    """That a digest let nothing through."""
    if _is_idle(release, report):
        return (f"--release {release}: nothing is withheld, so nothing was released.",)
    if release is None or report.brake is None or report.brake.digest in ("", release):
        return ()
    now = f"what is withheld has {report.brake.digest}. A digest is good for once."
    return (f"--release {release}: that is not its digest, or not any more; {now}",)


def _document(report: OnceReport, outcomes: tuple[Outcome, ...], *, sql: bool) -> dict[str, object]:
    done = tuple(one.change for one in report.results if one.done)
    return {
        "results": results_data(report.results, major=report.major, sql=sql),
        "summary": summary_data(done),
    } | report_data(report, outcomes, losses(Plan(done)), sql=sql)
