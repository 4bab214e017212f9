"""What `adopt` would take from whom, and what became of it. What the data looks like is promised.

As JSON or YAML:

    regent        "default/my-regent"
    server        "db.example.com:5432/mydb"
    adopted       the Roles, Users and Permissions that were chosen and come into force, as
                  kind/namespace/name
    along         those that come with them, as they need them
    notAdopted    list of {resource, because, reason, message}: who was chosen and stays as it is;
                  `because` is the resource that would not be in force, itself or one that it needs
    persons       list of {name, login, gains, losses, unchanged}, as of `diff`: whose access
                  differs. With `login` false it is a role that may not log in and loses something.
                  Nothing of it is ever cut
    leftAlone     members of these groups that are declared and not adopted yet, by their names in
                  PostgreSQL: `ignoreRoles` of the Regent names them until they are
    pending       how many roles of the directory are not in force after this
    digest        of what was shown: --digest agrees to exactly this
    summary       {add, change, takeAway}: how many changes in the catalog
    sessionsEnd   the roles whose sessions end, by their names in PostgreSQL
    applied       whether anything was put in force
    outcomes      list of {resource, state, reason, message, …}: what a pass has seen of them
    results       what was refused: list of changes, as of `apply`
    unread        list of {database, message}: databases that it does not serve and that could not
                  be read; what is lost there is not known
    notes         list of texts

Fields may be added; none changes its meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.access_text import said_of
from cli.declared import Declared
from cli.diff_page import NAMES, step_data
from cli.pages import add_change, add_refusal
from cli.sheet import Sheet
from cli.show import STATE_STYLES, counts, outcome_data, results_data, summary_data, unread_data
from regent.access.difference import OfPerson, Step
from regent.adopt.look import Shown
from regent.adopt.needs import Declarations
from regent.changes import Change, EndSessions
from regent.one_shot import OnceReport
from shared.keys import ResourceKey
from shared.listing import first_of
from shared.outcomes import Outcome

MOST_KEPT = 10
RED = "bold red"


@dataclass(frozen=True, slots=True)
class AdoptPage:
    """What was looked at, and with a report what was done."""

    directory: Path
    declared: Declared
    shown: Shown
    report: OnceReport | None = None
    everything: bool = False

    @property
    def changed(self) -> tuple[OfPerson, ...]:
        """Whose access differs."""
        return tuple(one for one in self.shown.persons if one.steps)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What was seen of what came into force."""
        found = self.report.outcomes if self.report else ()
        return tuple(one for one in found if one.resource in self.shown.staged.choice.all)

    @property
    def is_in_force(self) -> bool:
        """Whether a pass has seen all that was chosen in the catalog as declared."""
        report, choice = self.report, self.shown.staged.choice
        if report is None or choice.lacking or report.is_blind:
            return False
        waits = report.brake is not None or report.approval is not None or report.restraint
        ready = {one.resource for one in self.outcomes if one.is_ready}
        return not waits and choice.all <= ready

    @property
    def notes(self) -> list[str]:
        """What else is to be known."""
        return [*self.declared.notes, *self._of_stage(), *self._of_plan()]

    def _of_stage(self) -> Iterator[str]:
        staged = self.shown.staged
        for key in sorted(staged.stale):
            yield (
                f"{key} stays in force as it was accepted: the directory says something else."
                " Adopt its role, or `postgregent apply`, for that."
            )
        if staged.differing:
            yield (
                "The Regent in force stays as it is. The directory's says something else in"
                f" {', '.join(staged.differing)}: --with-regent puts that one in force too."
            )
        if staged.spared and staged.choice.all:
            yield (
                f"Not adopted yet, and members of groups that are: {', '.join(staged.spared)}."
                " They stay members: ignoreRoles of the Regent names them until then."
            )

    def _of_plan(self) -> Iterator[str]:
        planned = self.shown.planned
        if planned is None:
            return
        if planned.brake and planned.brake.digest:
            count = planned.brake.loss_count
            yield f"The brake would withhold {count:,} losses of it: who agrees lets them through."
        for one in planned.outcomes:
            if one.resource in self.shown.staged.choice.all:
                yield from (f"{one.resource}: {note}" for note in one.notes)
        if self.shown.beyond:
            yield (
                f"{self.shown.beyond:,} privileges cannot be taken by anybody here, and stay:"
                " `postgregent plan` names them."
            )
        yield from planned.notes

    def sheet(self) -> Sheet:
        """Who loses what; losses and losers are all named."""
        sheet, shown = Sheet(), self.shown
        self._add_chosen(sheet)
        if shown.planned is not None:
            self._add_persons(sheet)
            self._add_catalog(sheet, shown.planned)
        for note in self.notes:
            sheet.add(f"note: {note}", "cyan")
        for database, why in sorted(shown.unread.items()):
            said = f"{database} could not be read, and is not compared: {why}"
            sheet.add(said, "bold yellow")
        return sheet

    def done(self) -> Sheet:
        """What became of it."""
        sheet = Sheet()
        if self.report is None:
            return sheet
        for one in self.report.results:
            if not one.done:
                add_change(sheet, one.change, frozenset())
                add_refusal(sheet, one)
        for outcome in self.outcomes:
            if not outcome.is_ready:
                style = STATE_STYLES[outcome.state]
                said = f"{outcome.resource} {outcome.reason}: {outcome.message}"
                sheet.add(f"  {said}", style)
        others = sum(not one.is_ready for one in self.report.outcomes) - sum(
            not one.is_ready for one in self.outcomes
        )
        if others:
            said = f"Of what was in force before {others:,} are not Ready: `postgregent plan` says."
            sheet.add(said, "yellow")
        rest = _rest(len(self.shown.staged.pending))
        names = ", ".join(self._names(self.shown.staged.choice.chosen))
        if self.is_in_force:
            sheet.add(f"In force: {names}.{rest}", "bold green")
        elif self.shown.staged.choice.lacking and all(one.is_ready for one in self.outcomes):
            sheet.add(f"In force: {names}. The others stay as they are: see above.", "bold yellow")
        else:
            sheet.add("Not all of it is in force: see above, and call again.", "bold red")
        return sheet

    def document(self) -> dict[str, Any]:
        """As it is promised above."""
        shown, choice = self.shown, self.shown.staged.choice
        changes = _changes(shown.planned)
        refused = [one for one in self.report.results if not one.done] if self.report else []
        major = self.report.major if self.report else 0
        return self.declared.subject.to_json() | {
            "adopted": sorted(choice.chosen),
            "along": sorted(choice.along),
            "notAdopted": [
                {
                    "resource": key,
                    "because": because,
                    "reason": shown.refused[because].reason,
                    "message": shown.refused[because].message,
                }
                for key, because in sorted(choice.lacking.items())
            ],
            "persons": [
                {
                    "name": one.name,
                    "login": one.name not in shown.no_login,
                    "gains": [step_data(step) for step in one.gains],
                    "losses": [step_data(step) for step in one.losses],
                    "unchanged": one.unchanged,
                }
                for one in self.changed
            ],
            "leftAlone": list(shown.staged.spared),
            "pending": len(shown.staged.pending),
            "digest": shown.digest,
            "summary": summary_data(changes),
            "sessionsEnd": _ending(changes),
            "applied": self.report is not None,
            "outcomes": outcome_data(self.outcomes),
            "results": results_data(refused, major=major, sql=False),
            "unread": unread_data(shown.unread),
            "notes": self.notes,
        }

    def _names(self, keys: Iterable[str]) -> list[str]:
        names = Declarations(self.declared.state.resources).names
        return sorted({names[key] for key in keys if key in names})

    def _add_chosen(self, sheet: Sheet) -> None:
        choice, refused = self.shown.staged.choice, self.shown.refused
        names = self._names(self.declared.state.resources)
        chosen = self._names(choice.chosen)
        if chosen:
            of = f"{len(chosen):,} of the {len(names):,} roles of {self.directory}"
            sheet.add(f"To adopt, {of}: {', '.join(chosen)}", "bold")
        for kind, some in _by_kind(choice.along):
            sheet.add(f"  comes along, as it is needed: {kind} {', '.join(some)}")
        lacking: dict[str, list[str]] = {}
        for key, because in sorted(choice.lacking.items()):
            lacking.setdefault(because, []).append(key)
        for because, keys in lacking.items():
            it = because if because in keys else f"It needs {because}, which"
            why = f"{it} would be {refused[because].reason}"
            sheet.add(f"Not adopted: {', '.join(self._names(keys))}. {why}:", RED)
            sheet.add(f"    {refused[because].message}", "red")
        sheet.add()

    def _add_persons(self, sheet: Sheet) -> None:
        alike: dict[tuple[Step, ...], list[OfPerson]] = {}
        for one in self.changed:
            alike.setdefault(one.steps, []).append(one)
        for steps, persons in alike.items():
            _add_block(sheet, steps, self._called(persons), persons, everything=self.everything)
        sheet.add(self._in_sum(), "bold" if self.changed else "bold green")

    def _called(self, persons: Sequence[OfPerson]) -> list[str]:
        bare = self.shown.no_login
        return [f"{x.name} (no LOGIN)" if x.name in bare else x.name for x in persons]

    def _in_sum(self) -> str:
        persons = [one for one in self.shown.persons if one.name not in self.shown.no_login]
        if not self.changed:
            return "Nobody loses or gains access by it."
        lose = sum(bool(one.losses) for one in persons)
        gain = sum(bool(one.gains) for one in persons)
        same = sum(not one.steps for one in persons)
        loses, gains = "loses" if lose == 1 else "lose", "gains" if gain == 1 else "gain"
        who = f"{lose:,} person{'' if lose == 1 else 's'} {loses}, {gain:,} {gains}"
        return f"{who}; {same:,} {'has' if same == 1 else 'have'} what they had."

    def _add_catalog(self, sheet: Sheet, planned: OnceReport) -> None:
        changes = _changes(planned)
        said = ", ".join(f"{number:,} to {name}" for name, number in counts(changes).items())
        sheet.add(f"In the catalog: {said if changes else 'nothing to do'}.", "dim")
        if ending := _ending(changes):
            sheet.add(f"Their sessions end: {', '.join(ending)}.", "yellow")


def _rest(pending: int) -> str:
    if not pending:
        return " All of the directory's roles are in force now."
    if pending == 1:
        return " 1 role of the directory is not adopted yet."
    return f" {pending:,} roles of the directory are not adopted yet."


def _changes(planned: OnceReport | None) -> tuple[Change, ...]:
    """All of it: what the brake would withhold goes with it."""
    return planned.plan.changes if planned else ()


def _ending(changes: Iterable[Change]) -> list[str]:
    return sorted({one.role for one in changes if isinstance(one, EndSessions)})


def _by_kind(keys: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for key in sorted(map(ResourceKey.parse, keys)):
        found.setdefault(key.kind, []).append(key.name)
    for kind in ("User", "Role", "Permission"):
        if kind in found:
            yield kind, found[kind]


def _add_block(
    sheet: Sheet,
    steps: Sequence[Step],
    names: Sequence[str],
    persons: Sequence[OfPerson],
    *,
    everything: bool,
) -> None:
    """Who loses something is named, and so is each thing; what is gained may be summed up."""
    lost = sum(one.size for one in steps if not one.is_gain)
    gained = sum(one.size for one in steps if one.is_gain)
    who = ", ".join(names) if lost or everything else first_of(names, NAMES)
    kept = {one.unchanged for one in persons}
    said = [f"{lost:,} lost"] if lost else []
    said += [f"{gained:,} gained"] if gained else []
    said += [f"{kept.pop():,} unchanged"] if len(kept) == 1 else []
    each = " each" if len(names) > 1 else ""
    sheet.add_pieces((f"  {who}", "bold"), (f"   {', '.join(said)}{each}", "dim"))
    for one in said_of((step for step in steps if not step.is_gain), everything=True):
        sheet.add(f"    - {one.text}", "red")
    gains = list(said_of((step for step in steps if step.is_gain), everything=everything))
    shown = gains if everything else gains[:MOST_KEPT]
    for one in shown:
        sheet.add(f"    + {one.text}", "green")
    if len(gains) > len(shown):
        sheet.add(f"      and {len(gains) - len(shown)} more; --all shows them.", "dim")
