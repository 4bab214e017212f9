"""What `diff` found, in words and as data. What the data looks like is promised.

As JSON or YAML:

    before        what the first side is called
    after         what the second one is called
    persons       list of {name, gains, losses, unchanged}: whose access differs. `gains` and
                  `losses` are lists of {word, before, after, objects}; a word is a privilege, its
                  grant option, OWNER, or a power such as LOGIN or SUPERUSER, which is on no object.
                  `before` and `after` are None, SetRole or AtOnce. An object is {database, kind,
                  name}. `unchanged` is how many rights stay as they are
    later         list of {what, gaining, losing}: what declared patterns will give otherwise on
                  objects that are not there yet, and to whom
    unchanged     how many persons have what they had
    unread        list of {database, message}: what could not be read; then the exit status is 1
    notes         list of texts

Fields may be added; none changes its meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cli.access_text import said_of
from cli.sheet import Sheet
from cli.sides import Both
from regent.access.difference import OfPerson, Step
from regent.access.later import Differing
from regent.access.places import Place
from regent.access.rights import Way
from shared.listing import first_of

NAMES = 4
MOST_LINES = 10
MOST_NOTES = 8
WAYS = {Way.NONE: "None", Way.SET_ROLE: "SetRole", Way.AT_ONCE: "AtOnce"}


@dataclass(frozen=True, slots=True)
class DiffPage:
    """Two sides, and whose access differs in what."""

    both: Both
    found: Sequence[OfPerson]
    later: Sequence[Differing] = ()

    @property
    def changed(self) -> tuple[OfPerson, ...]:
        """Whose access differs."""
        return tuple(one for one in self.found if one.steps)

    @property
    def notes(self) -> list[str]:
        """What is to be known besides, of either side."""
        both = self.both
        sides = (both.before, both.after)
        of_sides = [f"{side.name}: {note}" for side in sides for note in side.notes]
        left_out = [f"Left out, as the name is not UTF-8: {one}." for one in both.illegible]
        only = [
            f"{database} was read in {name} alone, and is not compared."
            for name, databases in self._alone()
            for database in databases
        ]
        return [*only, *of_sides, *left_out]

    @property
    def is_partial(self) -> bool:
        """Whether a database was read on one side only."""
        return any(databases for _, databases in self._alone())

    def _alone(self) -> list[tuple[str, list[str]]]:
        before, after = self.both.before, self.both.after
        ours, theirs = set(before.places.databases), set(after.places.databases)
        return [(before.name, sorted(ours - theirs)), (after.name, sorted(theirs - ours))]

    def sheet(self, role: str | None, *, everything: bool) -> Sheet:
        """A block for each group of persons whose access changes alike."""
        sheet = Sheet()
        shown = [one for one in self.changed if role in (None, one.name)]
        sheet.add(f"Access of {self.both.before.name} → {self.both.after.name}", "bold")
        alike: dict[tuple[Step, ...], list[OfPerson]] = {}
        for one in shown:
            alike.setdefault(one.steps, []).append(one)
        in_full = everything or role is not None
        for steps, persons in alike.items():
            sheet.add()
            _block(sheet, steps, persons, everything=in_full)
        sheet.add()
        self._of_later(sheet, role, everything=in_full)
        for note in self.notes if in_full else self.notes[:MOST_NOTES]:
            sheet.add(f"  note: {note}", "yellow")
        if not in_full and len(self.notes) > MOST_NOTES:
            sheet.add(f"  {len(self.notes) - MOST_NOTES} more notes; --all shows them.", "dim")
        for database, why in sorted(self.both.unread.items()):
            sheet.add(f"  {database} could not be read: {why}", "bold red")
        sheet.add(self._in_sum(), "bold" if self.changed else "bold green")
        return sheet

    def _of_later(self, sheet: Sheet, role: str | None, *, everything: bool) -> None:
        shown = [one for one in self.later if role is None or role in (*one.gaining, *one.losing)]
        if not shown:
            return
        sheet.add("  For objects that are not there yet:", "bold")
        for one in shown if everything else shown[:MOST_LINES]:
            sides = ((one.gaining, "+", "green"), (one.losing, "-", "red"))
            for names, sign, style in sides:
                if names:
                    who = ", ".join(names) if everything else first_of(names, NAMES)
                    sheet.add(f"    {sign} {one.what.shown}: {who}", style)
        if not everything and len(shown) > MOST_LINES:
            sheet.add(f"      and {len(shown) - MOST_LINES} more; --all shows them.", "dim")
        sheet.add()

    def _in_sum(self) -> str:
        same = len(self.found) - len(self.changed)
        unchanged = f"{same} {'has' if same == 1 else 'have'} what they had"
        if not self.changed:
            said = "Nobody gains or loses access" if not self.both.unread else "No difference seen"
            said += " to what is there now" if self.later else ""
            return f"{said}; {unchanged}."
        gain = sum(bool(one.gains) for one in self.changed)
        lose = sum(bool(one.losses) for one in self.changed)
        gains, loses = "gains" if gain == 1 else "gain", "loses" if lose == 1 else "lose"
        return f"{_persons(gain)} {gains}, {lose} {loses}; {unchanged}."

    def document(self, role: str | None) -> dict[str, Any]:
        """As it is promised above."""
        return {
            "before": self.both.before.name,
            "after": self.both.after.name,
            "persons": [
                {
                    "name": one.name,
                    "gains": [step_data(step) for step in one.gains],
                    "losses": [step_data(step) for step in one.losses],
                    "unchanged": one.unchanged,
                }
                for one in self.changed
                if role in (None, one.name)
            ],
            "later": [
                {
                    "what": one.what.shown,
                    "gaining": list(one.gaining),
                    "losing": list(one.losing),
                }
                for one in self.later
            ],
            "unchanged": len(self.found) - len(self.changed),
            "unread": [
                {"database": database, "message": why}
                for database, why in sorted(self.both.unread.items())
            ],
            "notes": self.notes,
        }


def _persons(count: int) -> str:
    return f"{count} person{'' if count == 1 else 's'}"


def _block(
    sheet: Sheet, steps: Sequence[Step], persons: Sequence[OfPerson], *, everything: bool
) -> None:
    names = [one.name for one in persons]
    who = ", ".join(names) if everything else first_of(names, NAMES)
    gained = sum(one.size for one in steps if one.is_gain)
    lost = sum(one.size for one in steps if not one.is_gain)
    counts = [f"{gained:,} gained"] if gained else []
    counts += [f"{lost:,} lost"] if lost else []
    kept = {one.unchanged for one in persons}
    counts += [f"{kept.pop():,} unchanged"] if len(kept) == 1 else []
    each = " each" if len(names) > 1 else ""
    sheet.add_pieces((f"  {who}", "bold"), (f"   {', '.join(counts)}{each}", "dim"))
    lines = list(said_of(steps, everything=everything))
    shown = lines if everything else lines[:MOST_LINES]
    for one in shown:
        sign, style = ("+", "green") if one.is_gain else ("-", "red")
        sheet.add(f"    {sign} {one.text}", style)
    if len(lines) > len(shown):
        sheet.add(f"      and {len(lines) - len(shown)} more; --all or --role shows them.", "dim")


def step_data(step: Step) -> dict[str, Any]:
    """One step, as it is promised above."""
    return {
        "word": step.word,
        "before": WAYS[step.before],
        "after": WAYS[step.after],
        "objects": [place_data(one) for one in step.places],
    }


def place_data(place: Place) -> dict[str, Any]:
    """One object, as it is promised above."""
    return {"database": place.database or None, "kind": place.word, "name": place.shown}
