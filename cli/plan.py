"""`postgregent plan DIR`: what a pass would do. Writes nothing, needs no lock (interface 9)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shlex import quote

from cli.declared import Request, declare
from cli.kept_plan import kept_plan
from cli.one_role import names_in, of_the_role, require_known
from cli.pages import Page, Wanted, release_command
from cli.plan_file import write_plan
from cli.printing import Output, messages, print_data, results
from cli.show import changes_data, held, report_data, summary_data, would_be
from cli.terminal import Shown
from regent.gate.losses import losses
from regent.one_shot import OnceReport, plan_once
from shared.outcomes import Outcome

NOTHING, UNKNOWN, CHANGES = 0, 1, 2


async def run_plan(
    request: Request, output: Output, wanted: Wanted, out: Path | None = None
) -> int:
    """Print the plan. 0: nothing to do. 2: there are changes. 1: it cannot be known, or done.

    With `out` it is kept there for `apply`, but for one that cannot be known. Raises PlanFileError.
    """
    declared = await declare(request)
    report = await plan_once(declared.settings, declared.state, declared.home)
    report = replace(report, notes=(*declared.notes, *report.notes))
    outcomes = (*declared.outcomes, *report.outcomes)
    status = _status(report)
    if out is not None and status != UNKNOWN:
        write_plan(kept_plan(request, declared, report), out)
    if wanted.role is not None:
        named = (name for change in report.plan.changes for name in names_in(change))
        require_known(wanted.role, (*declared.roles.values(), *named))
        report, outcomes = of_the_role(wanted.role, report, outcomes, declared.roles)
    known = would_be(outcomes, report.restraint)
    console = results()
    if output == "table":
        page = Page(
            subject=declared.subject,
            report=report,
            changes=report.to_do,
            outcomes=[one for one in known if not one.is_ready],
            noted=outcomes,
            release=release_command(report),
            wanted=wanted,
        )
        page.sheet().write(console)
    else:
        document = declared.subject.to_json() | _document(report, known, sql=wanted.sql)
        document["notes"] = [*report.notes, *_notes_of_others(outcomes, known)]
        print_data(console, document, output)
    if out is not None:
        messages().print(Shown(_of_the_file(out, status), style="dim"))
    return status


def _of_the_file(out: Path, status: int) -> str:
    if status == UNKNOWN:
        return f"Nothing was written to {out}: the plan is not whole."
    return f"Kept in {out}. To do just this: postgregent apply {quote(str(out))}"


def _status(report: OnceReport) -> int:
    if report.is_blind:
        return UNKNOWN
    is_nothing = report.plan.is_empty and not held(report) and not report.refused
    return NOTHING if is_nothing and report.approval is None else CHANGES


def _notes_of_others(outcomes: tuple[Outcome, ...], known: tuple[Outcome, ...]) -> list[str]:
    """What is noted on resources of which a plan has nothing else to say."""
    listed = {one.resource for one in known}
    others = (one for one in outcomes if one.resource not in listed)
    return [f"{one.resource}: {note}" for one in others for note in one.notes]


def _document(report: OnceReport, outcomes: tuple[Outcome, ...], *, sql: bool) -> dict[str, object]:
    changes = report.to_do
    return {
        "changes": changes_data(changes, major=report.major, sql=sql),
        "summary": summary_data(changes),
    } | report_data(report, outcomes, losses(report.plan), sql=sql)
