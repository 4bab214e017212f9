"""Which of the differences are drift: those that came while what is desired stood still. Pure.

What a pass desired, and what it could not do, is kept, in the home database too. So drift is told
from a new declaration, from what never could be done, and from what the brake lets go; and what
somebody did while the Regent was down is told when it is back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from regent.changes import (
    Change,
    DefaultsChange,
    DropRole,
    EnableRole,
    GatherObjects,
    HandOnOwned,
    PrivilegeChange,
    ReleaseRole,
    SetOwner,
)
from regent.desired import Desired, Strangers
from regent.gate.brake import Verdict
from regent.gate.digests import digest
from regent.gate.losses import atoms
from regent.kinds import KINDS, Address
from regent.passes.anew import declared_anew
from regent.plan.edges import edges


class NameOfDesired:
    """Names what is desired, in any process; reckoned anew only when it is another.

    Less what the catalog has a say in: who else manages roles here, and what a role is called now.
    """

    def __init__(self) -> None:
        self._last: tuple[Desired, str] | None = None

    def of(self, desired: Desired) -> str:
        """Its name."""
        declared = _declared(desired)
        if self._last is None or self._last[0] != declared:
            self._last = declared, digest(declared)
        return self._last[1]

    def is_another(self, desired: Desired, than: str) -> bool:
        """Whether it has another name than this one; what was named last need not be named anew."""
        if self._last is not None and self._last[1] == than:
            return self._last[0] != _declared(desired)
        return self.of(desired) != than

    def anew(self, desired: Desired, than: str) -> frozenset[str | None] | None:
        """The roles of which something else is desired than under this name; None is any.

        Among them None is PUBLIC.
        """
        last = self._last
        if not self.is_another(desired, than):
            return frozenset()
        is_known = last is not None and last[1] == than
        return declared_anew(last[0], _declared(desired)) if last and is_known else None


def in_force(desired: Desired) -> str:
    """The name of what is desired."""
    return digest(_declared(desired))


def _declared(desired: Desired) -> Desired:
    renamed = [role for role in desired.roles.values() if role.renamed_from is not None]
    roles = {**desired.roles, **{one.name: replace(one, renamed_from=None) for one in renamed}}
    return replace(
        desired,
        roles=roles,
        foreign=frozenset(),
        adopted=frozenset(),
        disabling=Strangers(),
        enabling=Strangers(),
    )


def name_of(change: Change) -> str:
    """Names a change, as it is compared with the next pass's."""
    return digest(replace(change, causes=()))[:32]


def names_of(changes: Iterable[Change]) -> frozenset[str]:
    """Names all of them."""
    return frozenset(map(name_of, changes))


def drift_of(
    verdict: Verdict,
    still_open: Collection[str],
    unread: Collection[str],
    anew: frozenset[str | None] = frozenset(),
) -> tuple[Change, ...]:
    """What differs though the same was desired before, and is not what was `still_open` then.

    Of the roles in `anew` something else was desired. `unread` are databases that the pass before
    could not read: nobody knows since when they differ. The steps of an end are nobody's deed: it
    goes on until it is done.
    """
    return tuple(
        change
        for change in verdict.plan.changes
        if not isinstance(change, HandOnOwned | DropRole | ReleaseRole | EnableRole)
        and name_of(change) not in still_open
        and verdict.lost.isdisjoint(atoms(change))
        and change.local_to not in unread
        and anew.isdisjoint(_whose(change))
    )


def _whose(change: Change) -> Iterable[str | None]:
    """The roles that a change is about, and PUBLIC."""
    if isinstance(change, PrivilegeChange):
        return change.grantees
    return (change.role,) if isinstance(change, DefaultsChange) else change.about


def came_since(before: Iterable[Change], verdict: Verdict) -> tuple[Change, ...]:
    """What differs in a later look of a pass and did not in the one before, nor is left of it."""
    if verdict.plan.is_empty:
        return ()
    known: set[str] = set()
    edges: set[object] = set()
    for change in before:
        known.add(name_of(change))
        edges.update(_edges(change))
    return tuple(
        change
        for change in verdict.plan.changes
        if name_of(change) not in known
        and verdict.lost.isdisjoint(atoms(change))
        and not edges.issuperset(_edges(change) or {None})
    )


def seen_done(done: Iterable[Change], left: Iterable[Change]) -> frozenset[Change]:
    """What was done less what the look after it still plans, wholly or in part."""
    left = tuple(left)
    whole, edges = frozenset(left), frozenset(edge for change in left for edge in _edges(change))
    return frozenset(
        change for change in done if change not in whole and edges.isdisjoint(_edges(change))
    )


def _edges(change: Change) -> frozenset[object]:
    """What a change of privileges is made of; nothing for other changes, which are whole."""
    if not isinstance(change, PrivilegeChange):
        return frozenset()
    catalog = KINDS[change.kind].catalog
    return frozenset((type(change), change.database, catalog, edge) for edge in edges(change))


def objects_of(changes: Iterable[Change]) -> Mapping[str, tuple[Address, ...]]:
    """The objects that these changes are about, by database."""
    found: dict[str, list[Address]] = {}
    for change in changes:
        if isinstance(change, PrivilegeChange) and change.database is not None:
            found.setdefault(change.database, []).extend(change.addresses)
        elif isinstance(change, SetOwner | GatherObjects) and change.local_to is not None:
            found.setdefault(change.local_to, []).extend(change.addresses)
    return {database: tuple(objects) for database, objects in found.items()}
