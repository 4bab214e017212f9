"""What Git gave before, so that a pause holds only what somebody did by hand. Pure (rule 26).

A pause keeps the Regent from undoing a person's deeds, never from doing what a declaration, a time
or `allow` takes away (ADR 45). The two are told apart as the brake does it: what an earlier form of
the declarations would take away as well is somebody's deed, and the rest was given by it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from regent.changes import Plan
from regent.desired import Desired
from regent.gate.identities import Identities
from regent.gate.losses import Atom, taken
from regent.observed import Observed
from regent.remembered import ALL_OPEN, AcceptedState
from shared.state import Entry

Names = frozenset[str]


@dataclass(frozen=True, slots=True)
class Before:
    """One earlier form: what it would take of the catalog as it is, and of which roles it spoke.

    Roles and objects are told by their oids here: no name of theirs is the same in each form.
    """

    taken: frozenset[Atom]
    speaks_of: Names


class Forms(Protocol):
    """What earlier forms of the declarations want, and would do to what is there now."""

    def desired(self, state: AcceptedState, *, is_bounded: bool) -> Desired:
        """What one of them wants, or would if all of it were allowed."""
        ...

    def plan(self, desired: Desired) -> Plan:
        """What it would do."""
        ...


def befores(
    states: Sequence[AcceptedState], observed: Observed, forms: Forms
) -> tuple[Before, ...]:
    """What the baseline and each layer would do, as if nothing in them had an end of its own.

    What allowed a layer is not remembered (the baseline has its own Regent): all of it counts.
    """
    found = []
    for index, state in enumerate(states):
        wanted = forms.desired(_without_ends(state), is_bounded=index == 0)
        desired = _with_all_that_it_gave(wanted)
        plan = forms.plan(desired)
        known = Identities.of(plan.changes, observed)
        spoke = (*desired.roles, *(one.name for one in desired.endings))
        taken_then = frozenset(map(known.told, taken(plan)))
        found.append(Before(taken_then, Names(known.roles.get(name, name) for name in spoke)))
    return tuple(found)


def by_hand(
    plan: Plan, observed: Observed, earlier: Collection[Before], owed: Collection[str]
) -> frozenset[Atom]:
    """What it would take and no declaration gave: each that spoke of the role would take it too.

    `owed` names what a declaration took, and nobody has seen to be gone yet.
    """
    if ALL_OPEN in owed:
        return frozenset()
    known = Identities.of(plan.changes, observed)
    return frozenset(
        atom
        for atom in taken(plan)
        if not (owed and known.name(atom) in owed) and _is_by_hand(known.told(atom), earlier)
    )


def _is_by_hand(atom: Atom, earlier: Iterable[Before]) -> bool:
    whose = atom.roles
    return all(atom in one.taken for one in earlier if not one.speaks_of.isdisjoint(whose))


def _without_ends(state: AcceptedState) -> AcceptedState:
    """Access for a time counts as given for ever."""
    resources = {key: _lasting(entry) for key, entry in state.state.resources.items()}
    return state.model_copy(
        update={"state": state.state.model_copy(update={"resources": resources})}
    )


def _lasting(entry: Entry) -> Entry:
    if entry.kind != "User" or not (entry.spec.access or entry.spec.valid_until):
        return entry
    spec = entry.spec
    roles = tuple(dict.fromkeys((*spec.roles, *(one.role for one in spec.access))))
    update = {"roles": roles, "access": (), "valid_until": None}
    return entry.model_copy(update={"spec": spec.model_copy(update=update)})


def _with_all_that_it_gave(desired: Desired) -> Desired:
    """Also what is code as some owner: whose table it is may be another's since (ADR 48)."""
    grants = {
        database: tuple(replace(one, owners_code=None) for one in some)
        for database, some in desired.grants.items()
    }
    return replace(desired, grants=grants)
