"""Plans and what became of them, as text and as data. What the data looks like is promised.

Long because a report's text and its data stand side by side, so that both say the same.

A plan as JSON or YAML:

    regent        "default/my-regent"
    server        "db.example.com:5432/mydb"
    changes       list of
        action      "add", "change" or "take away"
        effect      "Create", "Widen", "Open", "Close", "Narrow" or "Remove": the order of doing
        what        in words, never a secret
        where       "database mydb" or "role mydb-viewer"
        resources   the resources that it follows from, as kind/namespace/name
        statements  SQL as it is shown (verifiers hidden); with --sql only
    summary       {add, change, takeAway}: how many changes of each kind
    outcomes      list of {resource, state, reason, message, …}: what would be said of each resource
    brake         {digest, lossCount, losses} when losses would wait for a release, else null
    takeover      {token, message} when a person may accept one, else null
    notes         list of texts
    seconds       how long it took

What `apply` did is the same, with `results` instead of `changes`: each change with `done`, and
where that is false `sqlstate`, `message` and `wayOut`. Fields may be added; none changes its
meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.console import Console
from rich.text import Text

from regent.applying.result import ChangeResult
from regent.changes import (
    AlterRole,
    AlterSetting,
    Change,
    CreateRole,
    Effect,
    HandOver,
    RenameRole,
    SetPassword,
)
from regent.describe import describe, where
from regent.render import render
from shared.http import BrakeBody, TakeoverBody
from shared.keys import ResourceKey
from shared.outcomes import Outcome, State

Action = Literal["add", "change", "take away"]
SYMBOLS: Mapping[Action, str] = {"add": "+", "change": "~", "take away": "-"}
PAST: Mapping[Action, str] = {"add": "added", "change": "changed", "take away": "taken away"}
STYLES: Mapping[Action, str] = {"add": "green", "change": "yellow", "take away": "red"}
STATE_STYLES: Mapping[State, str] = {"Ready": "green", "Reconciling": "yellow", "Stalled": "red"}
UNDECLARED = "Declared by no resource"
OBSERVING = "Observing"
NOTHING = "Nothing to do."
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about."""

    regent: ResourceKey
    server: str

    def to_json(self) -> dict[str, Any]:
        """Its two fields of every document."""
        return {"regent": f"{self.regent.namespace}/{self.regent.name}", "server": self.server}


def created_roles(changes: Iterable[Change]) -> frozenset[str]:
    """The roles that these changes make: all that is done to them is adding."""
    return frozenset(change.role for change in changes if isinstance(change, CreateRole))


def action(change: Change, created: frozenset[str] = frozenset()) -> Action:
    """What it is for whoever reads a plan."""
    if change.effect >= Effect.CLOSE:
        return "take away"
    match change:
        case AlterRole() | AlterSetting() | RenameRole() | HandOver() | SetPassword():
            return "add" if change.role in created else "change"
        case _:
            return "add"


def counts(changes: Sequence[Change]) -> dict[Action, int]:
    """How many changes of each kind."""
    created = created_roles(changes)
    counted: dict[Action, int] = {"add": 0, "change": 0, "take away": 0}
    for change in changes:
        counted[action(change, created)] += 1
    return counted


def heading(change: Change) -> str:
    """The resources under which a change is shown: grantees, else Permissions.

    `Role and User default/flights-admin` where both are one role.
    """
    causes = [key for key in change.causes if key.kind != "Permission"] or list(change.causes)
    kinds: dict[str, list[str]] = {}
    for key in causes:
        kinds.setdefault(f"{key.namespace}/{key.name}", []).append(key.kind)
    named = [f"{' and '.join(found)} {place}" for place, found in sorted(kinds.items())]
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return ", ".join(named[:MOST_NAMED]) + more or UNDECLARED


def grouped(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """The changes by their heading, each group in the order of the plan, wide headings last."""
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(heading(change), []).append(change)
    return dict(
        sorted(groups.items(), key=lambda g: (g[0] == UNDECLARED, ", " in g[0], g[0].lower()))
    )


def change_data(
    change: Change, created: frozenset[str], *, major: int, sql: bool
) -> dict[str, Any]:
    """One change as promised above."""
    data: dict[str, Any] = {
        "action": action(change, created),
        "effect": change.effect.name.capitalize(),
        "what": describe(change),
        "where": where(change),
        "resources": [str(cause) for cause in change.causes],
    }
    if sql:
        data["statements"] = [statement.shown for statement in render(change, major=major)]
    return data


def changes_data(changes: Sequence[Change], *, major: int, sql: bool) -> list[dict[str, Any]]:
    """A plan."""
    created = created_roles(changes)
    return [change_data(change, created, major=major, sql=sql) for change in changes]


def results_data(results: Sequence[ChangeResult], *, major: int, sql: bool) -> list[dict[str, Any]]:
    """What became of a plan."""
    created = created_roles(result.change for result in results)
    return [_result_data(result, created, major=major, sql=sql) for result in results]


def _result_data(
    result: ChangeResult, created: frozenset[str], *, major: int, sql: bool
) -> dict[str, Any]:
    data = change_data(result.change, created, major=major, sql=sql) | {"done": result.done}
    if not result.done:
        data |= {"sqlstate": result.sqlstate, "message": result.message, "wayOut": result.way_out}
    return data


def summary_data(changes: Sequence[Change]) -> dict[str, int]:
    """`counts`, under the names of the document."""
    counted = counts(changes)
    return {
        "add": counted["add"],
        "change": counted["change"],
        "takeAway": counted["take away"],
    }


def outcome_data(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Outcomes by resource."""
    ordered = sorted(outcomes, key=lambda outcome: outcome.resource)
    return [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in ordered]


def brake_data(brake: BrakeBody | None) -> dict[str, Any] | None:
    """What waits for a release."""
    if brake is None or not brake.digest:
        return None
    return brake.model_dump(mode="json", by_alias=True, include={"digest", "loss_count", "losses"})


def takeover_data(takeover: TakeoverBody | None) -> dict[str, Any] | None:
    """What a person may accept."""
    if takeover is None:
        return None
    return takeover.model_dump(mode="json", by_alias=True, include={"token", "message"})


def print_changes(
    console: Console, changes: Sequence[Change], *, major: int, sql: bool = False
) -> None:
    """Every change under its resource."""
    created = created_roles(changes)
    for head, group in grouped(changes).items():
        console.print(Text(head, style="bold"))
        for change in group:
            console.print(change_text(change, created))
            if sql:
                for statement in render(change, major=major):
                    console.print(Text(f"      {statement.shown};", style="dim"))
        console.print()


def change_text(change: Change, created: frozenset[str]) -> Text:
    """`  + grant SELECT on 3 tables in schema1 (a, b, c) to mydb-viewer`."""
    kind = action(change, created)
    text = Text(f"  {SYMBOLS[kind]} ", style=STYLES[kind])
    text.append(describe(change), style="")
    return text


def print_subject(console: Console, subject: Subject) -> None:
    """Which Regent, which server."""
    name = f"{subject.regent.namespace}/{subject.regent.name}"
    console.print(Text(f"Regent {name} on {subject.server}", style="dim"))
    console.print()


def print_summary(console: Console, changes: Sequence[Change]) -> None:
    """`Plan: 12 to add, 1 to change, 3 to take away`."""
    if not changes:
        console.print(Text(NOTHING, style="bold green"))
        return
    said = ", ".join(f"{number} to {name}" for name, number in counts(changes).items())
    console.print(Text(f"Plan: {said}", style="bold"))


def print_done(console: Console, results: Sequence[ChangeResult], seconds: float) -> None:
    """`Done: 12 added, 1 changed, 3 taken away in 48 ms; 1 refused`."""
    if not results:
        console.print(Text(NOTHING, style="bold green"))
        return
    counted = counts([result.change for result in results if result.done])
    said = ", ".join(f"{counted[kind]} {word}" for kind, word in PAST.items())
    refused = sum(not result.done for result in results)
    ending = f"; {refused} refused" if refused else ""
    text = f"Done: {said} in {seconds * 1000:.0f} ms{ending}"
    console.print(Text(text, style="bold red" if refused else "bold"))


def print_results(console: Console, results: Sequence[ChangeResult]) -> None:
    """What the server refused; what was done is a line of its own each."""
    by_change = {id(result.change): result for result in results}
    created = created_roles(result.change for result in results)
    for head, group in grouped([result.change for result in results]).items():
        console.print(Text(head, style="bold"))
        for change in group:
            result = by_change[id(change)]
            console.print(change_text(change, created))
            if not result.done:
                text = Text(f"    refused ({result.sqlstate}): {result.message}", style="red")
                text.append(f"\n    → {result.way_out}", style="green")
                console.print(text)
        console.print()


def would_be(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """The outcomes that a plan knows: `Observing` says only that a plan writes nothing."""
    return tuple(outcome for outcome in outcomes if outcome.reason != OBSERVING)


def print_outcomes(console: Console, outcomes: Iterable[Outcome]) -> None:
    """What is to be said of each resource, one line each, in columns."""
    shown = sorted(outcomes, key=lambda one: one.resource)
    if not shown:
        return
    rows = [(one.resource, str(one.is_ready), one.reason) for one in shown]
    header = ("RESOURCE", "READY", "REASON")
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    console.print(Text(f"{_columns(header, widths)}MESSAGE", style="bold"))
    for one, row in zip(shown, rows, strict=True):
        text = Text(_columns(row, widths))
        text.stylize(STATE_STYLES[one.state], widths[0] + 2, sum(widths[:2]) + 2)
        console.print(text.append(_message(one)))
    console.print()


def _columns(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"{cell:<{width}}  " for cell, width in zip(cells, widths, strict=True))


def print_outcome_notes(console: Console, outcomes: Iterable[Outcome]) -> None:
    """What is said of resources and stops nothing."""
    for outcome in outcomes:
        print_notes(console, (f"{outcome.resource}: {note}" for note in outcome.notes))


def _message(outcome: Outcome) -> str:
    matches = "" if outcome.matches is None else f" ({outcome.matches} matched)"
    return f"{outcome.message}{matches}"


def print_brake(console: Console, brake: BrakeBody | None, release: str) -> None:
    """What is withheld, and the command that lets it through."""
    if brake is None or not brake.digest:
        return
    console.print(Text(f"The brake withholds {brake.loss_count} losses:", style="bold red"))
    for loss in brake.losses:
        detail = f" ({loss.detail})" if loss.detail else ""
        console.print(Text(f"  - {loss.role}: {loss.kind} {loss.privilege}{detail}"))
    if brake.loss_count > len(brake.losses):
        console.print(Text(f"  … and {brake.loss_count - len(brake.losses)} more"))
    console.print(Text(f"If all of this is meant to go: {release}", style="green"))
    console.print()


def print_notes(console: Console, notes: Iterable[str]) -> None:
    """What else is worth saying."""
    for note in notes:
        console.print(Text(f"note: {note}", style="cyan"))
