"""The final outcome of each resource after a pass. Pure (rules 21 and 29)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from regent.apply.result import ChangeResult
from regent.changes import AdoptRole, Change, DefaultsChange, GrantPrivileges, RevokePrivileges
from regent.desired import Desired
from regent.gate.refusals import Refusal
from regent.gate.restraint import OBSERVING
from regent.holdings import Holding, How, listed, ways_out
from regent.passes.look import Looked
from regent.passes.unended import unended
from regent.plan.default_notes import notes_on_defaults
from regent.plan.describe import describe
from regent.plan.owners import ownership
from regent.plan.owners_code import code_not_given
from regent.plan.public import why_open
from regent.plan.unmatched import unmatched
from shared.keys import ResourceKey
from shared.outcomes import Outcome, State

T = TypeVar("T")
PAUSED = "Paused"
NOT_TAKEN_AWAY = "NotTakenAway"
Said = tuple[State, str, str]
"""State, reason, message."""


def settle(
    last: Looked, *, results: Iterable[ChangeResult], is_dry: bool = False
) -> Mapping[str, Outcome]:
    """What was resolved, refused, withheld, still open; Ready only where none of these is true.

    `last` is the look after everything was applied, so Ready is what was seen in the catalog. A dry
    pass has not applied anything: what is open there waits for somebody to apply it.
    """
    words = _Words(last, results, is_dry=is_dry)
    matches = {str(key): count for key, count in last.wanted.matches.items()}
    nothing = unmatched(last.resolution.desired, last.observed)
    notes = {str(key): found for key, found in nothing.items()}
    defaults = notes_on_defaults(last.resolution.desired, last.observed)
    notes |= {str(key): found for key, found in defaults.items()}
    for permission, said in words.not_as_owner.notes.items():
        notes[str(permission)] = (*notes.get(str(permission), ()), *said)
    code = _code_left(last)
    outcomes = {}
    for key, outcome in last.resolution.outcomes.items():
        update: dict[str, object] = {}
        if key not in words.unread:
            update["matches"] = matches.get(key)
        reason = outcome.reason
        if reason == "Applying":
            state, reason, message = words.about(key)
            update |= {"state": state, "reason": reason, "message": message}
        more = (*notes.get(key, ()), *words.notes_on(key, reason), *code.get(key, ()))
        if more:
            update["notes"] = (*outcome.notes, *more)
        outcomes[key] = outcome.model_copy(update=update)
    if not is_dry:
        outcomes |= unended(last)
    return outcomes | _awaiting(last, outcomes)


def _code_left(last: Looked) -> Mapping[str, list[str]]:
    """By resource: what the Roles own that somebody may use whose membership ends."""
    roles, notes = last.resolution.desired.roles, dict[str, list[str]]()
    for one in last.code_left:
        for role in (roles.get(one.role), roles.get(one.member)):
            for key in role.declared_by if role is not None else ():
                notes.setdefault(str(key), []).append(str(one))
    return notes


def _awaiting(last: Looked, outcomes: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """What a refused push has, in the generation that it has there (rule 28a)."""
    if last.restraint is None:
        return {}
    found = {}
    for key, generation in last.awaiting.items():
        known = outcomes.get(key) or Outcome(
            resource=key,
            generation=generation,
            state="Stalled",
            reason=last.restraint.reason,
            message=last.restraint.message,
        )
        newest = max(generation, known.generation)
        found[key] = known.model_copy(update={"generation": newest, "uid": None})
    return found


class _Words:
    """What is to be said of each resource, looked up once."""

    def __init__(self, last: Looked, results: Iterable[ChangeResult], *, is_dry: bool) -> None:
        verdict = last.verdict
        self._last = last
        self._is_dry = is_dry
        self._failed = _by_cause((r.change, r) for r in results if not r.done)
        self._withheld = _by_cause((change, change) for change in verdict.withheld_changes)
        self._refused = _by_cause((one.change, one) for one in last.refused)
        self._open = _by_cause((change, change) for change in verdict.plan.changes)
        self._waiting = _by_cause((change, change) for change in verdict.waiting)
        self._adopted = _by_cause(
            (change, change) for change in verdict.withheld_changes if isinstance(change, AdoptRole)
        )
        self.unread = _unread(last)
        owned = ownership(last.resolution.desired, last.observed)
        self._not_owned = {str(key): said for key, said in owned.troubles.items()}
        self._owned_notes = {str(key): texts for key, texts in owned.notes.items()}
        self._kept, self._notes = _beyond(last)
        self._paused, self._not_held = _paused(last)
        self.not_as_owner = code_not_given(last.resolution.desired, last.observed)
        self._not_given = {str(key): said for key, said in self.not_as_owner.troubles.items()}

    def notes_on(self, key: str, reason: str) -> tuple[str, ...]:
        """What its role has beyond its declaration, as far as its reason does not say it."""
        kept = self._kept.get(key)
        is_said = kept is None or reason == NOT_TAKEN_AWAY
        more = () if is_said else (f"Beyond what is declared {kept}",)
        own = (*self._notes.get(key, ()), *self._owned_notes.get(key, ()))
        waits = (self._paused[key],) if key in self._paused and reason != PAUSED else ()
        return (*more, *own, *self._not_held.get(key, ()), *waits)

    def about(self, key: str) -> Said:
        """The worst that is true of it."""
        last = self._last
        if last.restraint is not None and last.restraint.reason != OBSERVING:
            return "Stalled", last.restraint.reason, last.restraint.message
        if key in self._withheld:
            return _withheld(self._withheld[key], last, is_adopted=key in self._adopted)
        if key in self._refused:
            return _refused(self._refused[key])
        if key in self.unread:
            return "Reconciling", "DatabaseUnreachable", self.unread[key]
        if key in self._not_owned:
            return self._not_owned[key]
        if key in self._not_given:
            return "Stalled", "NotAllowed", self._not_given[key]
        if key in self._paused:  # ends by itself: what a person must mend comes before
            return "Reconciling", PAUSED, self._paused[key]
        if last.restraint is not None or (self._is_dry and key not in self._kept):
            return self._not_done(key)
        to_do = self._open.get(key) or self._waiting.get(key)
        if self._is_dry and to_do is not None:
            said = f"It would {describe(to_do)}. Beyond that {self._kept[key]}"
            return "Stalled", NOT_TAKEN_AWAY, said
        if key in self._open:
            return self._still_open(key)
        if key in self._waiting:
            return "Reconciling", "Applying", _waits(self._waiting[key])
        if key in self._kept:
            said = f"All that is declared holds. Beyond that {self._kept[key]}"
            return "Stalled", NOT_TAKEN_AWAY, said
        return "Ready", "Applied", "As declared."

    def _not_done(self, key: str) -> Said:
        said = self._last.restraint.message if self._last.restraint else "This is a plan."
        change = self._open.get(key)
        to_do = f"It would {describe(change)}." if change else "Nothing is to do."
        return "Reconciling", OBSERVING, f"{said} {to_do}"

    def _still_open(self, key: str) -> Said:
        failed = self._failed.get(key)
        if failed is None:
            return "Reconciling", "Applying", f"Still to do: {describe(self._open[key])}."
        text = f"{describe(failed.change)}: {failed.message} ({failed.sqlstate}) {failed.way_out}"
        return "Reconciling", "Refused", text.strip()


def _withheld(change: Change, last: Looked, *, is_adopted: bool) -> Said:
    verdict = last.verdict
    message = (
        f"The brake withholds: {describe(change)}."
        + (" The adoption waits with it, password and LOGIN too." if is_adopted else "")
        + " The Regent says why. If all that is withheld is meant, release digest"
        + f" {verdict.digest}."
    )
    return "Stalled", "BrakePulled", message


def _waits(change: Change) -> str:
    return (
        f"Still to do: {describe(change)}. It waits until nobody else uses the role, and nothing is"
        " left of what it has beyond its declaration."
    )


def _refused(one: Refusal) -> Said:
    text = f"{describe(one.change)}: {one.message} ({one.sqlstate}) {one.way_out}"
    return "Stalled", "NotManageable", text.strip()


def _unread(last: Looked) -> dict[str, str]:
    """Resources that say something of a database that could not be read: nobody has seen it.

    Who has it as his own database may have more there than is declared, and so may PUBLIC.
    """
    resources = last.resolution.accepted.state.resources
    found: dict[str, str] = {}
    for database, why in last.unread.items():
        text = f"The database {database!r} could not be read: {why}"
        for key in _declaring_in(database, last.resolution.desired):
            found.setdefault(str(key), text)
        for name, entry in resources.items():
            if entry.spec.database == database:
                found.setdefault(name, text)
    return found


def _declaring_in(database: str, desired: Desired) -> Iterator[ResourceKey]:
    """Those that give something there, whom they give it to, and who speak for PUBLIC."""
    if database in desired.public_in:
        yield from desired.public_declared_by
    for grant in desired.grants.get(database, ()):
        yield grant.permission
        for grantee in grant.grantees:
            yield from desired.declarers_of(grantee)
    for one in desired.defaults.get(database, ()):
        yield from one.declared_by
    for owned in desired.owners:
        if owned.database == database:
            yield from owned.declared_by


def _beyond(last: Looked) -> tuple[Mapping[str, str], Mapping[str, tuple[str, ...]]]:
    """What managed roles have beyond their declarations, and no pass takes away; and notes of it.

    What is in databases that are not served, and in policies, is only noted.
    """
    kept: dict[str, str] = {}
    if open_to_all := " ".join(why_open(*one) for one in last.wanted.kept_open):
        by = last.resolution.desired.public_declared_by
        kept = dict.fromkeys(map(str, by), open_to_all)
    notes: dict[str, list[str]] = {}
    for name, holdings in last.observed.server.holdings.items():
        role = last.resolution.desired.roles.get(name)
        if role is None:
            continue
        stays = [one for one in holdings if one.is_kept]
        others = [one for one in holdings if not one.is_kept and one.how is not How.OWNER]
        for key in map(str, role.declared_by):
            if stays:
                kept[key] = _not_taken(name, stays)
            if others:
                text = f"{name!r} also has {listed(others)}, which this Regent does not manage."
                notes.setdefault(key, []).append(text)
    return kept, {key: tuple(texts) for key, texts in notes.items()}


def _paused(last: Looked) -> tuple[Mapping[str, str], Mapping[str, tuple[str, ...]]]:
    """What is said of the resources of paused roles; and notes, where the pause holds nothing."""
    said: dict[str, str] = {}
    notes: dict[str, tuple[str, ...]] = {}
    for one in last.paused:
        for key in map(str, one.declared_by):
            if one.not_held:
                notes[key] = (f"{one.words} It holds nothing: {one.not_held}.",)
            else:
                said[key] = one.message
        for change in one.held:
            for cause in map(str, change.causes):
                said.setdefault(cause, one.message)
    return said, notes


def _not_taken(role: str, holdings: Iterable[Holding]) -> str:
    holdings = tuple(holdings)
    return (
        f"{role!r} has privileges on {listed(holdings)},"
        f" which this version does not take away. {ways_out(role, holdings)}"
    )


def kept_by_public(last: Looked) -> tuple[str, ...]:
    """What PUBLIC keeps though nobody declares it, of which no Role may be there to tell."""
    is_told = bool(last.resolution.desired.public_declared_by)
    refused = (one for one in last.refused if not is_told and _is_of_public(one.change))
    return (
        *(why_open(*one) for one in last.wanted.kept_open),
        *(_refused(one)[2] for one in refused),
    )


def _is_of_public(change: Change) -> bool:
    if isinstance(change, RevokePrivileges):
        return None in (*change.grantees, *change.losing)
    if isinstance(change, GrantPrivileges):
        return None in change.grantees
    return isinstance(change, DefaultsChange) and change.role is None


def _by_cause(pairs: Iterable[tuple[Change, T]]) -> dict[str, T]:
    """The first of each resource that is a cause."""
    found: dict[str, T] = {}
    for change, value in pairs:
        key: ResourceKey
        for key in change.causes:
            found.setdefault(str(key), value)
    return found
