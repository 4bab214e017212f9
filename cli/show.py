"""Plans and what became of them, as data. What the data looks like is promised.

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
    summary       {add, change, takeAway}: how many changes of each kind; like them without what
                  the brake withholds
    outcomes      list of {resource, state, reason, message, …}: what would be said of each resource
    losses        list of {roles, losses}: all that is taken away, by the roles that lose just that;
                  each of the losses is {kind, privileges, objects}. Never cut; in a plan those that
                  the brake withholds are among them
    brake         {digest, lossCount, losses, why, waiting} when losses would wait for a release,
                  else null; its losses are never cut. `waiting` are the changes that are done with
                  them only, such as the password of an adopted role; `changes` does not have them
    approval      {digest, changeCount, lossCount, deleted, message, changes} when something waits
                  for approval, else null; its changes, in words, are never cut. A plan has them in
                  `changes` too, with what would be corrected without it
    takeover      {token, message} when a person may accept one, else null
    paused        list of {role, until, reason, by, since, held, notHeld, resources, waiting}: the
                  roles of which nothing is changed now; `held` is how many changes wait, `waiting`
                  are these changes, like `changes`, which does not have them. They are counted
                  nowhere else: the exit status is 2 though `summary` be of nothing
    refused       list of changes, like `changes`, which does not have them, each with `sqlstate`,
                  `message` and `wayOut`: what the server refused before and `apply` asks for again;
                  then the exit status is 2. Of `apply` it is empty: `results` says it
    cannot        why `apply` could do nothing, with the way out, else null; with it exit status 1
    unread        list of {database, message}: what could not be read; then the exit status is 1
    restraint     {reason, message} when nothing is written to this server now, else null
    owned         list of {role, database, objects, goesTo, message}: what roles own that end
    notes         list of texts
    seconds       how long it took

What `apply` did is the same, with `results` instead of `changes`: each change with `done`, and
where that is false `sqlstate`, `message` and `wayOut`. Fields may be added; none changes its
meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, assert_never

from cli.losses_text import by_person
from regent.apply.owned import Owned
from regent.apply.render import render
from regent.apply.result import ChangeResult
from regent.changes import (
    AdoptRole,
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateOwned,
    CreateRole,
    DisableRole,
    DropRole,
    Effect,
    EnableRole,
    EndSessions,
    GatherObjects,
    GrantDefaults,
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    HandOver,
    ReleaseRole,
    RenameRole,
    RevokeDefaults,
    RevokeMembership,
    RevokePrivileges,
    SetOwner,
    SetPassword,
)
from regent.gate.losses import Atom
from regent.one_shot import OnceReport
from regent.plan.describe import describe, where
from regent.report.paused import pause_bodies
from shared.http import TakeoverBody, UnmanagedBody
from shared.keys import ResourceKey
from shared.listing import first_of
from shared.outcomes import Outcome, State
from shared.state import Trouble

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
        case CreateRole() | AdoptRole() | GrantMembership() | GrantPrivileges() | GrantDefaults():
            return "add"
        case CreateOwned() | EnableRole():
            return "add"
        case DisableRole():
            return "take away"
        case SetOwner() | GatherObjects():
            return "change"
        case ClearPassword() | RevokeMembership() | RevokePrivileges() | EndSessions():
            return "take away"
        case RevokeDefaults() | HandOnOwned() | DropRole() | ReleaseRole():
            return "take away"
        case _:
            assert_never(change)


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
    return first_of(named, MOST_NAMED) or UNDECLARED


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


def losses_data(atoms: Iterable[Atom]) -> list[dict[str, Any]]:
    """All that is taken away."""
    return [one.to_json() for one in by_person(atom.words for atom in atoms)]


def brake_data(report: OnceReport, *, sql: bool) -> dict[str, Any] | None:
    """What waits for a release, all of it: the body itself has the first losses only."""
    brake = report.brake
    if brake is None or not brake.digest:
        return None
    data = brake.model_dump(mode="json", by_alias=True, include={"digest", "loss_count"})
    return data | {
        "why": report.why_withheld,
        "losses": [loss.model_dump(mode="json") for loss in report.withheld],
        "waiting": changes_data(report.waiting, major=report.major, sql=sql),
    }


def approval_data(report: OnceReport) -> dict[str, Any] | None:
    """What waits for approval, all of it: the body itself has the first changes only."""
    if report.approval is None:
        return None
    named = {"digest", "change_count", "loss_count", "deleted", "message"}
    data = report.approval.model_dump(mode="json", by_alias=True, include=named)
    return data | {"changes": [describe(change) for change in report.unapproved]}


def report_data(
    report: OnceReport, outcomes: Iterable[Outcome], lost: Iterable[Atom], *, sql: bool
) -> dict[str, object]:
    """What `plan` and `apply` both say, whatever either of them did."""
    return {
        "outcomes": outcome_data(outcomes),
        "losses": losses_data(lost),
        "brake": brake_data(report, sql=sql),
        "approval": approval_data(report),
        "takeover": takeover_data(report.takeover),
        "paused": paused_data(report, sql=sql),
        "refused": refused_data(report, sql=sql),
        "cannot": report.cannot or None,
        "unread": unread_data(report.unread),
        "restraint": restraint_data(report.restraint),
        "owned": owned_data(report.owned),
        "unmanaged": unmanaged_data(report.unmanaged),
        "notes": list(report.notes),
        "seconds": round(report.seconds, 4),
    }


def held(report: OnceReport) -> tuple[Change, ...]:
    """What waits for the end of a pause, each once: of two paused roles both may hold it."""
    return tuple(dict.fromkeys(change for one in report.paused for change in one.held))


def paused_data(report: OnceReport, *, sql: bool) -> list[dict[str, Any]]:
    """The roles of which nothing is changed now, with what waits for each."""
    bodies = pause_bodies(report.paused)
    return [
        body.model_dump(mode="json", by_alias=True)
        | {"waiting": changes_data(one.held, major=report.major, sql=sql)}
        for body, one in zip(bodies, report.paused, strict=False)
    ]


def refused_data(report: OnceReport, *, sql: bool) -> list[dict[str, Any]]:
    """What the server refused before, with what it said."""
    changes = changes_data([one.change for one in report.refused], major=report.major, sql=sql)
    return [
        data | {"sqlstate": one.sqlstate, "message": one.message, "wayOut": one.way_out}
        for data, one in zip(changes, report.refused, strict=True)
    ]


def unread_data(unread: Mapping[str, str]) -> list[dict[str, str]]:
    """What could not be read, and why."""
    return [{"database": name, "message": why} for name, why in unread.items()]


def restraint_data(restraint: Trouble | None) -> dict[str, str] | None:
    """Why nothing is written."""
    if restraint is None:
        return None
    return {"reason": restraint.reason, "message": restraint.message}


def takeover_data(takeover: TakeoverBody | None) -> dict[str, Any] | None:
    """What a person may accept."""
    if takeover is None:
        return None
    return takeover.model_dump(mode="json", by_alias=True, include={"token", "message"})


def unmanaged_data(unmanaged: UnmanagedBody | None) -> dict[str, Any] | None:
    """The roles that nobody declares, where the Regent asks for them."""
    if unmanaged is None:
        return None
    return unmanaged.model_dump(mode="json", by_alias=True, exclude_none=True)


def owned_data(owned: Iterable[Owned]) -> list[dict[str, Any]]:
    """What roles own that end."""
    return [
        {
            "role": one.role,
            "database": one.database,
            "objects": dict(one.kinds),
            "goesTo": one.goes_to or None,
            "message": str(one),
        }
        for one in owned
    ]


def would_be(outcomes: Iterable[Outcome], restraint: Trouble | None) -> tuple[Outcome, ...]:
    """The outcomes that a plan knows: that a plan writes nothing is no outcome.

    Where the Regent itself writes nothing, its resources do say so.
    """
    if restraint is not None:
        return tuple(outcomes)
    return tuple(outcome for outcome in outcomes if outcome.reason != OBSERVING)
