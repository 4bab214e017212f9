"""`postgregent apply`: one pass under the Regent's lock, and then the end (interface 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cli.declared import Declared, Request, declare
from cli.kept_plan import KeptPlan, request_of, require_same, require_same_place
from cli.one_role import of_the_role, require_known
from cli.pages import Page, Wanted, release_command
from cli.plan_file import read_plan
from cli.printing import Output, print_data, results
from cli.progress import Progress
from cli.show import report_data, results_data, summary_data
from regent.apply.result import ChangeResult
from regent.changes import Plan
from regent.gate.losses import losses
from regent.gate.refusals import keys_of
from regent.one_shot import OnceReport, apply_once, plan_once
from shared.consent import Consent
from shared.outcomes import Outcome

ALL_READY, NOTHING_APPLIED, NOTHING_RELEASED, NOT_READY = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Given:
    """What a person agrees to, each by its digest."""

    release: str | None = None
    approve: str | None = None
    takeover: str | None = None

    @property
    def consents(self) -> tuple[Consent, ...]:
        """One of each kind."""
        return (
            Consent("Brake", self.release or ""),
            Consent("Approval", self.approve or ""),
            Consent("Takeover", self.takeover or ""),
        )


async def run_kept(
    file: Path, dsn: str | None, output: Output, wanted: Wanted, given: Given, *, from_env: bool
) -> int:
    """Apply what a file of `plan --out` has, if planning anew gives the same.

    Raises PlanFileError, and OtherPlanError where it was not applied.
    """
    kept = read_plan(file)
    request = request_of(kept, dsn=dsn, secrets_from_env=from_env)
    return await run_apply(request, output, wanted, given, Planned(kept, str(file)))


@dataclass(frozen=True, slots=True)
class Planned:
    """What was planned before, and the file that has it."""

    kept: KeptPlan
    file: str

    async def require(self, declared: Declared) -> None:
        """Before a home database is made: that would be done already."""
        require_same_place(self.kept, declared, self.file)
        self.require_same(await plan_once(declared.settings, declared.state))

    def require_same(self, report: OnceReport) -> None:
        """Once more under the lock."""
        require_same(self.kept, report, self.file)


async def run_apply(
    request: Request, output: Output, wanted: Wanted, given: Given, planned: Planned | None = None
) -> int:
    """Apply and print what was done. 0: all is Ready. 3: applied, and something is not.

    Who leaves and could not be ended counts as something, and who could not be disabled.

    1: nothing could be written. 2: all is Ready, and there was nothing to release or approve.
    """
    declared = await declare(request)
    require_known(wanted.role, declared.roles.values())
    if planned is not None:
        await planned.require(declared)
    progress = Progress()
    async with progress.told():
        report = await apply_once(
            declared.settings,
            declared.state,
            consents=given.consents,
            heed=progress.heed,
            only_if=planned.require_same if planned is not None else None,
        )
    report = replace(
        report,
        notes=(
            *declared.notes,
            *report.notes,
            *_of_release(given.release, report),
            *_of_approval(given.approve, report),
        ),
        results=last_of_each(report.results),
    )
    outcomes = (*declared.outcomes, *report.outcomes)
    status = _status(report, outcomes, given)
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


def last_of_each(results: Sequence[ChangeResult]) -> tuple[ChangeResult, ...]:
    """What became of each change in the end: a pass that looks again may try it several times."""
    return tuple({keys_of(one.change): one for one in results}.values())


def _status(report: OnceReport, outcomes: tuple[Outcome, ...], given: Given) -> int:
    if report.is_in_recovery:
        return NOTHING_APPLIED
    waits = report.brake is not None or report.approval is not None
    is_ready = not waits and all(outcome.is_ready for outcome in outcomes)
    if not is_ready or report.is_blind or report.has_stayed or report.not_disabled:
        return NOT_READY
    is_idle = _is_idle(given.release, report) or _has_approved_nothing(given.approve, report)
    return NOTHING_RELEASED if is_idle else ALL_READY


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


def _has_approved_nothing(approve: str | None, report: OnceReport) -> bool:
    """An approval was given, and nothing waited for one."""
    return approve is not None and report.approval is None and not report.was_approved


def _of_approval(approve: str | None, report: OnceReport) -> tuple[str, ...]:
    """That a digest approved nothing."""
    if _has_approved_nothing(approve, report):
        return (f"--approve {approve}: nothing waits for approval, so nothing was approved.",)
    if approve is None or report.approval is None or report.approval.digest in ("", approve):
        return ()
    now = f"what waits has {report.approval.digest}. A digest is good for once."
    return (f"--approve {approve}: that is not its digest, or not any more; {now}",)


def _document(report: OnceReport, outcomes: tuple[Outcome, ...], *, sql: bool) -> dict[str, object]:
    done = tuple(one.change for one in report.results if one.done)
    return {
        "results": results_data(report.results, major=report.major, sql=sql),
        "summary": summary_data(done),
    } | report_data(report, outcomes, losses(Plan(done)), sql=sql)
