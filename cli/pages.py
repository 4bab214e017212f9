"""What `plan` and `apply` found and did, for a person: about a page, unless all is asked for.

Few changes are all shown, under their resources. Many are summed up by what is done to how many
roles. What is taken away, withheld, refused or not seen is said in full in either case.
Long because all parts of the page are here, in its order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from shlex import quote

from cli.losses_text import by_person
from cli.sheet import PLAIN, Sheet
from cli.show import (
    NOTHING,
    PAST,
    STATE_STYLES,
    STYLES,
    SYMBOLS,
    Subject,
    action,
    counts,
    created_roles,
    grouped,
    held,
)
from cli.summary import notes_alike, outcomes_alike, some, summed_up, taken_together
from regent.apply.render import render
from regent.apply.result import ChangeResult
from regent.changes import Change
from regent.gate.losses import Words, lost_by
from regent.gate.pauses import WAY_OUT, Paused
from regent.gate.refusals import Refusal
from regent.one_shot import OnceReport, in_a_line
from regent.plan.describe import ALL, describe
from shared.outcomes import Outcome
from shared.utc import utc

PAGE_LINES = 60
MOST_SUMS = 40
HOW_TO_SEE_ALL = "These are sums. --all shows every change and every resource."


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much is to be shown."""

    everything: bool = False
    sql: bool = False
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What there is to say, of a plan or of what was done."""

    subject: Subject
    report: OnceReport
    changes: Sequence[Change]
    outcomes: Sequence[Outcome]
    noted: Sequence[Outcome]
    release: str
    wanted: Wanted = field(default_factory=Wanted)
    results: Sequence[ChangeResult] = ()
    is_done: bool = False

    def sheet(self) -> Sheet:
        """All of it, or sums where that would be more than a page."""
        may_fit = len(self.changes) + len(self.outcomes) <= PAGE_LINES
        if self.wanted.everything or self.wanted.role is not None or may_fit:
            whole = self._sheet(self._changes_in_full(), self._outcomes_in_full())
            if self.wanted.everything or self.wanted.role is not None or _fits(whole):
                return whole
        return self._sheet(self._changes_summed_up(), self._outcomes_summed_up(), is_short=True)

    def _sheet(self, changes: Sheet, outcomes: Sheet, *, is_short: bool = False) -> Sheet:
        sheet = Sheet()
        name = f"{self.subject.regent.namespace}/{self.subject.regent.name}"
        sheet.add(f"Regent {name} on {self.subject.server}", "dim")
        if changes.lines or outcomes.lines or self.report.brake or self.report.approval:
            sheet.add()
        sheet.extend(changes)
        self._add_refused(sheet)
        sheet.extend(outcomes)
        add_brake(sheet, self.report, self.release)
        add_approval(sheet, self.report, self.wanted, is_done=self.is_done)
        add_owned(sheet, self.report)
        self._add_paused(sheet, is_short=is_short)
        add_notes(sheet, self.noted, self.report.notes)
        add_unseen(sheet, self.report)
        if is_short:
            sheet.add(HOW_TO_SEE_ALL, "dim")
        self._add_sum(sheet)
        return sheet

    def _changes_in_full(self) -> Sheet:
        sheet = Sheet()
        created = created_roles(self.changes)
        refused = {id(one.change): one for one in self.results if not one.done}
        for head, group in grouped(self.changes).items():
            sheet.add(head, "bold")
            for change in group:
                self._add_with_sql(sheet, change, created)
                if one := refused.get(id(change)):
                    add_refusal(sheet, one)
            sheet.add()
        return sheet

    def _changes_summed_up(self) -> Sheet:
        sheet = _summed_up(self.changes)
        add_losses(sheet, self.changes, self.report)
        for one in self.results:
            if not one.done:
                add_change(sheet, one.change, frozenset())
                add_refusal(sheet, one)
        if sheet.lines:
            sheet.add()
        return sheet

    def _outcomes_in_full(self) -> Sheet:
        sheet = Sheet()
        add_outcomes(sheet, self.outcomes)
        return sheet

    def _outcomes_summed_up(self) -> Sheet:
        sheet = Sheet()
        for first, resources in outcomes_alike(self.outcomes):
            style = STATE_STYLES[first.state]
            if len(resources) == 1:
                said = f"{first.resource}: {first.message}"
            elif first.is_ready:
                said = f"{len(resources):,} {first.resource.partition('/')[0]}s"
            else:
                said = f"{len(resources):,}: {some(resources)}. The first: {first.message}"
            sheet.add_pieces((f"  {first.reason}", style), (f"  {said}", PLAIN))
        if sheet.lines:
            sheet.add()
        return sheet

    def _add_refused(self, sheet: Sheet) -> None:
        """What the server has refused before: a plan without it would say that nothing is left."""
        if not self.report.refused:
            return
        sheet.add("The server refused these before; apply asks for them again:", "bold yellow")
        for one in self.report.refused[:MOST_SUMS]:
            self._add_with_sql(sheet, one.change, frozenset())
            add_refusal(sheet, one)
        if (more := len(self.report.refused) - MOST_SUMS) > 0:
            sheet.add(f"    and {more:,} more")
        sheet.add()

    def _add_paused(self, sheet: Sheet, *, is_short: bool) -> None:
        """The roles of which nothing is changed now, and what differs of them."""
        for one in self.report.paused:
            add_pause(sheet, one)
            if is_short and len(one.held) > MOST_SUMS:
                sheet.extend(_summed_up(one.held))
            else:
                created = created_roles(one.held)
                for change in one.held:
                    self._add_with_sql(sheet, change, created)
        if self.report.paused:
            sheet.add()

    def _add_with_sql(self, sheet: Sheet, change: Change, created: frozenset[str]) -> None:
        add_change(sheet, change, created)
        if self.wanted.sql:
            for statement in render(change, major=self.report.major):
                sheet.add(f"      {statement.shown};", "dim")

    def _add_sum(self, sheet: Sheet) -> None:
        not_ready = sum(not one.is_ready for one in self.outcomes)
        if self.is_done:
            add_done(sheet, self.results, self.report, not_ready)
        else:
            add_planned(sheet, self.report, not_ready)


def add_change(sheet: Sheet, change: Change, created: frozenset[str]) -> None:
    """`  + grant SELECT on 3 tables in schema1 (a, b, c) to mydb-viewer`; losses name all."""
    kind = action(change, created)
    words = describe(change, most=ALL) if kind == "take away" else describe(change)
    sheet.add_pieces((f"  {SYMBOLS[kind]} ", STYLES[kind]), (words, PLAIN))


def add_refusal(sheet: Sheet, result: ChangeResult | Refusal) -> None:
    """What the server said, and what to do."""
    sheet.add(f"    refused ({result.sqlstate}): {result.message}", "red")
    if result.way_out:
        sheet.add(f"    → {result.way_out}", "green")


def add_losses(sheet: Sheet, changes: Iterable[Change], report: OnceReport) -> None:
    """What would be or was taken away, by person; what the brake withholds is listed with it."""
    withheld = frozenset(report.withheld_atoms)
    lost: set[Words] = set()
    others: list[Change] = []
    for change in changes:
        found = {atom.words for atom in lost_by(change)}
        lost |= found - withheld
        if not found and action(change) == "take away":
            others.append(change)
    for words in taken_together(others):
        sheet.add_pieces(("  - ", STYLES["take away"]), (words, PLAIN))
    for one in by_person(lost):
        sheet.add_pieces(("  - ", "red"), (f"taken from {one}", PLAIN))


def add_outcomes(sheet: Sheet, outcomes: Iterable[Outcome]) -> None:
    """What is to be said of each resource, one line each, in columns."""
    shown = sorted(outcomes, key=lambda one: one.resource)
    if not shown:
        return
    rows = [(one.resource, str(one.is_ready), one.reason) for one in shown]
    header = ("RESOURCE", "READY", "REASON")
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    sheet.add(f"{_columns(header, widths)}MESSAGE", "bold")
    for one, (resource, ready, reason) in zip(shown, rows, strict=True):
        matches = "" if one.matches is None else f" ({one.matches} matched)"
        sheet.add_pieces(
            (f"{resource:<{widths[0]}}  ", PLAIN),
            (f"{ready:<{widths[1]}}  ", STATE_STYLES[one.state]),
            (f"{reason:<{widths[2]}}  {one.message}{matches}", PLAIN),
        )
    sheet.add()


def release_command(report: OnceReport) -> str:
    """The command that lets through what is withheld now."""
    digest = report.brake.digest if report.brake else ""
    return f"postgregent apply … --release {digest}"


def add_brake(sheet: Sheet, report: OnceReport, release: str) -> None:
    """What is withheld and why, all of it, and the command that lets it through."""
    brake = report.brake
    if brake is None or not brake.digest:
        return
    why = f", because {report.why_withheld}" if report.why_withheld else ""
    losses = "1 loss" if brake.loss_count == 1 else f"{brake.loss_count:,} losses"
    shown = len(report.withheld)
    of_them = "" if shown == brake.loss_count else f"; of them {shown:,} shown here"
    sheet.add(f"The brake withholds {losses}{why}{of_them}:", "bold red")
    for one in by_person(report.withheld_atoms):
        sheet.add(f"  - {one}")
    if report.waiting:
        sheet.add("These wait with it, and are done together with it:", "bold")
        for change in report.waiting:
            add_change(sheet, change, frozenset())
    sheet.add(f"If all of this is meant to go: {release}", "green")
    sheet.add()


def add_approval(sheet: Sheet, report: OnceReport, wanted: Wanted, *, is_done: bool) -> None:
    """What waits for approval, and the command that approves it; a plan shows its changes above."""
    approval = report.approval
    if approval is None:
        return
    sheet.add(approval.message, "bold yellow")
    shown = report.unapproved if is_done else ()
    most = len(shown) if wanted.everything else PAGE_LINES
    created = created_roles(shown)
    for change in shown[:most]:
        add_change(sheet, change, created)
    if len(shown) > most:
        sheet.add(f"    and {len(shown) - most:,} more: --all shows them")
    if approval.digest:
        sheet.add(f"To approve all of this: {approve_command(report)}", "green")
    sheet.add()


def approve_command(report: OnceReport) -> str:
    """The command that approves what waits now."""
    digest = report.approval.digest if report.approval else ""
    return f"postgregent apply … --approve {digest}"


def add_owned(sheet: Sheet, report: OnceReport) -> None:
    """What the roles own that would end, and what becomes of it."""
    for one in report.owned:
        sheet.add(str(one), STYLES["change"] if one.goes_to else STYLES["take away"])
    if report.owned:
        sheet.add()


def add_notes(sheet: Sheet, outcomes: Iterable[Outcome], notes: Iterable[str]) -> None:
    """What else is worth saying, each once."""
    for note, resources in notes_alike(outcomes):
        sheet.add(f"note: {some(resources)}: {note}", "cyan")
    for note in notes:
        sheet.add(f"note: {note}", "cyan")


def add_unseen(sheet: Sheet, report: OnceReport) -> None:
    """What could not be read, and that nothing may be written."""
    for database, why in report.unread.items():
        sheet.add(f"The database {database!r} could not be read: {why}", "bold red")
    if report.cannot:
        sheet.add(in_a_line(report.cannot), "bold red")
    if report.restraint is not None:
        sheet.add(report.restraint.message, "bold red" if report.is_in_recovery else "yellow")


def add_pause(sheet: Sheet, one: Paused) -> None:
    """Whether anything waits; until when, by whom and why, unless a resource says so above."""
    if one.not_held:
        sheet.add(f"{one.words} It holds nothing: {one.not_held}.", "bold yellow")
        return
    if one.held and one.declared_by:
        said = f"Of {one.name!r} this waits for the end of its pause, at {utc(one.pause.until)}:"
    else:
        waits = "This waits for it:" if one.held else "Nothing differs now."
        said = f"{one.words} {waits}"
    sheet.add(said, "bold yellow")
    sheet.add(f"    → {WAY_OUT} {quote(one.name)}", "green")


def add_nothing(sheet: Sheet, report: OnceReport, not_ready: int) -> None:
    """In green only where all is well."""
    if report.approval is not None:
        sheet.add(f"Nothing was done{_unapproved(report)}{_waits(report)}.", "bold yellow")
    elif report.withheld or report.waiting:
        count = len(report.withheld)
        words = "1 loss" if count == 1 else f"{count:,} losses"
        sheet.add(f"Nothing was done: the brake withholds {words}{_waits(report)}.", "bold yellow")
    elif held(report):
        sheet.add(f"Nothing was done{_waits(report)}.", "bold yellow")
    elif not_ready:
        words = "1 resource is" if not_ready == 1 else f"{not_ready:,} resources are"
        sheet.add(f"Nothing to do; {words} not ready.", "bold yellow")
    else:
        sheet.add(NOTHING, "bold green")


def add_planned(sheet: Sheet, report: OnceReport, not_ready: int) -> None:
    """`Plan: 12 to add, 1 to change, 3 to take away`."""
    changes, seen = report.to_do, _as_far_as_seen(report)
    if changes:
        said = ", ".join(f"{number:,} to {name}" for name, number in counts(changes).items())
        said += f"; {len(report.refused):,} refused before" if report.refused else ""
        sheet.add(f"Plan: {said}{_unapproved(report)}{_waits(report)}{seen}", "bold")
    elif report.waiting or report.withheld:
        said = "Plan: nothing but what the brake withholds"
        sheet.add(f"{said}{_waits(report)}{seen}", "bold")
    elif report.refused:
        count = len(report.refused)
        words = "1 change" if count == 1 else f"{count:,} changes"
        said = f"Plan: nothing but {words} that the server refused before"
        sheet.add(f"{said}{_waits(report)}{seen}", "bold yellow")
    elif held(report):
        sheet.add(f"Plan: nothing to do now{_waits(report)}{seen}", "bold yellow")
    elif report.is_blind:
        sheet.add(f"Nothing to do{seen}", "bold red")
    else:
        add_nothing(sheet, report, not_ready)


def add_done(
    sheet: Sheet, results: Sequence[ChangeResult], report: OnceReport, not_ready: int
) -> None:
    """`Done: 12 added, 1 changed, 3 taken away in 48 ms; 1 refused`."""
    if not results:
        if report.is_blind:
            sheet.add(f"Nothing was done{_as_far_as_seen(report)}", "bold red")
        else:
            add_nothing(sheet, report, not_ready)
        return
    counted = counts([result.change for result in results if result.done])
    said = ", ".join(f"{counted[kind]:,} {word}" for kind, word in PAST.items())
    refused = sum(not result.done for result in results)
    ending = f"; {refused:,} refused" if refused else ""
    if report.withheld:
        ending += f"; {len(report.withheld):,} withheld by the brake"
    ending += _unapproved(report) + _waits(report)
    text = f"Done: {said} in {report.seconds * 1000:.0f} ms{ending}{_as_far_as_seen(report)}"
    sheet.add(text, "bold red" if refused or report.is_blind else "bold")


def _summed_up(changes: Sequence[Change]) -> Sheet:
    sheet = Sheet()
    sums = summed_up(changes)
    for kind, line in sums[:MOST_SUMS]:
        sheet.add_pieces((f"  {SYMBOLS[kind]} ", STYLES[kind]), (line, PLAIN))
    if len(sums) > MOST_SUMS:
        sheet.add(f"    and {len(sums) - MOST_SUMS:,} more lines like these")
    return sheet


def _unapproved(report: OnceReport) -> str:
    if report.approval is None:
        return ""
    count = len(report.unapproved)
    if not count:
        return "; what is declared anew waits for approval"
    return f"; {'1 change waits' if count == 1 else f'{count:,} changes wait'} for approval"


def _waits(report: OnceReport) -> str:
    count = len(held(report))
    if not count:
        return ""
    return (
        f"; {'1 change waits' if count == 1 else f'{count:,} changes wait'} for the end of a pause"
    )


def _as_far_as_seen(report: OnceReport) -> str:
    if report.unread:
        many = "1 database" if len(report.unread) == 1 else f"{len(report.unread)} databases"
        return f", as far as can be seen: {many} could not be read."
    if report.is_in_recovery:
        return "; nothing may be written: the server is a standby."
    if report.cannot:
        return "; nothing of it can be done yet: see above."
    return ""


def _columns(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"{cell:<{width}}  " for cell, width in zip(cells, widths, strict=True))


def _fits(sheet: Sheet) -> bool:
    return len(sheet.lines) <= PAGE_LINES
