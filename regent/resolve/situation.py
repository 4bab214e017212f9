"""What resolving looks at: the accepted state, the marks, the server, the time. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime

from regent.observed import ObservedServer
from regent.remembered import NO_CENSUS, AcceptedState, Census, Mark
from regent.resolve.allow_lists import BoundsByNamespace
from regent.resolve.chains import Chains
from regent.resolve.marks import MarkIndex
from regent.standing import Standing
from shared.keys import ResourceKey
from shared.outcomes import Outcome, State
from shared.resources import RegentSpec
from shared.state import DesiredState

WAITS: frozenset[str] = frozenset(
    {
        "SecretNotFound",
        "SecretKeyNotFound",
        "SecretEmpty",
        "SecretUnreadable",
        "SecretNotSelected",
        "PermissionNotFound",
        "RoleNotFound",
        "RoleNotReady",
        "WaitingForReference",
        "SessionsRemain",
        "AccessGoesOn",
        "WaitingForRename",
    }
)
"""Reasons of what may come by itself: Reconciling. All others are for a person: Stalled (29)."""


@dataclass(frozen=True, slots=True)
class Situation:
    """One moment of one Regent.

    `ordinary_parameters` are those that any user may set (pg_settings.context = 'user'), and
    `known_parameters` all that the server knows; both empty where nobody asked. `libraries` are the
    names of what the server could load: a parameter that begins with one may become privileged.
    `locked_ends` are roles whose LOGIN could not be taken, as somebody held them. `census` is
    what is remembered of roles that nobody declares.
    """

    accepted: AcceptedState
    marks: tuple[Mark, ...]
    server: ObservedServer
    regent: str
    served: tuple[str, ...]
    now: datetime
    ordinary_parameters: frozenset[str] = frozenset()
    known_parameters: frozenset[str] = frozenset()
    libraries: frozenset[str] = frozenset()
    locked_ends: frozenset[str] = frozenset()
    census: Census = NO_CENSUS
    standing: Standing = field(init=False)
    """Reckoned of `server`: whose roles nobody gets by a pattern."""
    marked: MarkIndex = field(init=False)
    """The marks, by whatever is asked of them."""
    bounds: BoundsByNamespace = field(init=False)
    """What may be declared by whom, ready to be asked."""
    chains: Chains = field(init=False)
    """What groups lead to, where that is asked."""

    def __post_init__(self) -> None:
        """All that resolving asks of the server and the marks as a whole, once."""
        object.__setattr__(self, "standing", Standing.of(self.server, self.ordinary_parameters))
        object.__setattr__(self, "marked", MarkIndex.of(self.marks, self.regent, self.server))
        object.__setattr__(self, "bounds", BoundsByNamespace.of(self.accepted.state.regent))
        object.__setattr__(self, "chains", _chains_of(self))

    @property
    def spec(self) -> RegentSpec:
        """The Regent's own resource."""
        return self.accepted.state.regent.spec

    def at(self, accepted: AcceptedState, *, is_bounded: bool = True) -> Situation:
        """The same moment with another accepted state: what was reckoned of it stays as it is.

        Without bounds as if all were allowed that is declared in it.
        """
        other = copy(self)
        object.__setattr__(other, "accepted", accepted)
        if not is_bounded:
            bounds = BoundsByNamespace.of_nobody(accepted.state.regent.namespace)
            object.__setattr__(other, "bounds", bounds)
        elif other.accepted.state.regent is not self.accepted.state.regent:
            bounds = BoundsByNamespace.of(other.accepted.state.regent)
            object.__setattr__(other, "bounds", bounds)
        object.__setattr__(other, "chains", _chains_of(other))
        return other

    def holders(self) -> dict[str, ResourceKey]:
        """Which resource holds each role, by the marks of this Regent."""
        return {m.role: m.holder for m in self.marks if m.regent == self.regent}


def _chains_of(situation: Situation) -> Chains:
    """None, where nobody asks."""
    if not situation.bounds.ask_what_groups_lead_to:
        return Chains()
    return Chains.of(situation.accepted.state, situation.marked, situation.server)


@dataclass(slots=True)
class Findings:
    """What is to be said of each resource. The first trouble found is the one that is told."""

    troubles: dict[str, tuple[str, str]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    due: list[datetime] = field(default_factory=list)
    """Times at which this must be looked at again: an expiry, the end of a wait."""
    taken_back: set[str] = field(default_factory=set)
    """Roles without a mark that are taken only because the home database was lost."""
    not_allowed: set[str] = field(default_factory=set)
    """The resources that declare more than the Regent allows, whatever else is told of them."""
    is_waiting: bool = False
    """A form that was replaced still counts, until what the new one lists is there."""

    def trouble(self, key: object, reason: str, message: str) -> None:
        """Something is not as declared."""
        self.troubles.setdefault(str(key), (reason, message))
        if reason == "NotAllowed":
            self.not_allowed.add(str(key))

    def one_more(self, key: object, reason: str, message: str) -> None:
        """The same of another entry of a list: all of the same reason are told."""
        before = self.troubles.get(str(key))
        if before is not None and before[0] == reason and message not in before[1]:
            self.troubles[str(key)] = (reason, f"{before[1]} {message}")
        self.trouble(key, reason, message)

    def is_in_trouble(self, key: object) -> bool:
        """Whether something is told already, so that what comes is not."""
        return str(key) in self.troubles

    def note(self, key: object, text: str) -> None:
        """Something to say that stops nothing."""
        notes = self.notes.setdefault(str(key), [])
        if text not in notes:
            notes.append(text)

    def due_at(self, moment: datetime, now: datetime) -> None:
        """Look again at this time, if it is still to come."""
        if moment > now:
            self.due.append(moment)


def state_of(reason: str) -> State:
    """Whether a reason waits or needs a person (rule 29)."""
    return "Reconciling" if reason in WAITS else "Stalled"


def unseen(state: DesiredState, findings: Findings) -> Mapping[str, Outcome]:
    """One outcome a resource, before anything was applied: Ready is still to be seen."""
    keys = set(state.resources) | set(state.held)
    return {key: _outcome(state, findings, key) for key in sorted(keys)}


def _outcome(state: DesiredState, findings: Findings, key: str) -> Outcome:
    entry = state.resources.get(key)
    generation = entry.generation if entry else 0
    uid = entry.uid if entry else None
    notes = tuple(findings.notes.get(key, ()))
    if key in findings.troubles:
        reason, message = findings.troubles[key]
        return Outcome(
            resource=key,
            generation=generation,
            uid=uid,
            state=state_of(reason),
            reason=reason,
            message=message,
            notes=notes,
        )
    return Outcome(
        resource=key,
        generation=generation,
        uid=uid,
        state="Reconciling",
        reason="Applying",
        message="No pass has seen it in the catalog since it was changed.",
        notes=notes,
    )
