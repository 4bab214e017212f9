"""One ACL against what shall be held on it: what is missing, what is spurious, and from whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from regent.observed import Acl, AclItem
from regent.plan.cuts import find_cuts
from regent.plan.differences import (
    NONE,
    SAME,
    Difference,
    Edge,
    Given,
    Privileges,
    Scope,
    Taken,
    held_in,
    in_order,
    less,
    without,
)
from regent.plan.matching import NOTHING, Needs


def compare(acl: Acl, needs: Needs, scope: Scope) -> Difference:
    """What to give and to take, so that managed grantees hold exactly `needs` (rule 8).

    What a grantee passes on with a grant option goes when the option goes. Whoever keeps a right
    to it (declared, or none of our business) is in `given`, which comes first: then the cascade
    takes a second item and nobody is without for a moment.
    """
    if _is_as_declared(acl, needs, scope):
        return SAME
    lost = tuple(_lost(item, acl, needs, scope) for item in acl)
    cuts = find_cuts(acl, lost, needs, scope)
    fallen = cuts.with_them(acl, lost) if cuts else lost
    given = [*_missing(acl, fallen, needs, scope), *kept_for_others(acl, fallen, scope)]
    taken = [*_spurious(acl, fallen, needs, scope), *cuts.taken(acl, given, scope)]
    if not given and not taken:
        return SAME
    return Difference(merge_given(given), _merge_taken(taken))


def _is_as_declared(acl: Acl, needs: Needs, scope: Scope) -> bool:
    """The common case, found fast: one item of the owner for each need, and no other."""
    owner, managed = scope.owner, scope.managed
    fitting = 0
    for item in acl:
        grantee = item.grantee
        if item.grantor != owner and item.grantor in managed:
            return False
        if grantee is None or grantee not in managed or grantee == owner:
            continue
        need = needs.get(grantee)
        if (
            need is None
            or item.grantor != owner
            or item.privileges != need.privileges
            or item.grantable != need.grantable
        ):
            return False
        fitting += 1
    return fitting == len(needs) - (owner in needs)


def _lost(item: AclItem, acl: Acl, needs: Needs, scope: Scope) -> Privileges:
    """What of an item falls with its grantor's grant option."""
    grantor = item.grantor
    if grantor == scope.owner or grantor not in scope.managed:
        return NONE
    options = NONE.union(*(i.grantable for i in acl if i.grantee == grantor))
    return item.privileges & (options - scope.allowed(grantor, needs).grantable)


def _missing(acl: Acl, lost: tuple[Privileges, ...], needs: Needs, scope: Scope) -> Iterable[Edge]:
    held = held_in(without(acl, lost) if any(lost) else acl)
    for grantee, need in needs.items():
        if grantee == scope.owner or grantee not in scope.managed:
            continue
        has = held.get(grantee, NOTHING)
        options = need.grantable - has.grantable
        plain = need.privileges - has.privileges - options
        if options:
            yield grantee, options, True, None
        if plain:
            yield grantee, plain, False, None


def kept_for_others(acl: Acl, lost: tuple[Privileges, ...], scope: Scope) -> Iterable[Edge]:
    """Roles that are not ours keep what they have, from the owner instead."""
    for item, gone in zip(acl, lost, strict=True):
        grantee = item.grantee
        if not gone or scope.is_managed(grantee) or grantee == scope.owner:
            continue
        if grantee is not None and grantee not in scope.known:
            continue
        others = [i for i in without(acl, lost) if i.grantee == grantee]
        options = (gone & item.grantable) - NONE.union(*(i.grantable for i in others))
        plain = gone - options - NONE.union(*(i.privileges for i in others))
        if options:
            yield grantee, options, True, item.grantor
        if plain:
            yield grantee, plain, False, item.grantor


def _spurious(
    acl: Acl, lost: tuple[Privileges, ...], needs: Needs, scope: Scope
) -> list[tuple[str, Taken]]:
    taken: list[tuple[str, Taken]] = []
    for item, gone in zip(acl, lost, strict=True):
        grantee = item.grantee
        if grantee is None or not scope.is_managed(grantee):
            continue
        allowed = scope.allowed(grantee, needs)
        extra = item.privileges - allowed.privileges - gone
        options = item.grantable - allowed.grantable - extra - gone
        if extra:
            cascade = bool(extra & item.grantable & _passed_on(grantee, acl, lost))
            taken.append((grantee, Taken((), item.grantor, extra, cascade=cascade)))
        if options:
            cascade = bool(options & _passed_on(grantee, acl, lost))
            found = Taken((), item.grantor, options, option_only=True, cascade=cascade)
            taken.append((grantee, found))
    return taken


def _passed_on(grantor: str, acl: Acl, lost: tuple[Privileges, ...]) -> Privileges:
    return NONE.union(*(g for i, g in zip(acl, lost, strict=True) if i.grantor == grantor))


def clear(acl: Acl, taken: Iterable[Taken]) -> tuple[Acl, tuple[Privileges, ...]]:
    """A column's ACL after a REVOKE on its table, which clears it, and what falls by cascade.

    The second has what each item of `acl` loses because its grantor's option goes.

    https://www.postgresql.org/docs/18/sql-revoke.html: revoking on a table revokes the same
    privileges on each of its columns, as far as the same grantor gave them.
    """
    items = acl
    for revoke in taken:
        items = tuple(_cleared(item, revoke) for item in items)
    options_before, options_after = _options(acl), _options(items)
    fallen = tuple(
        item.privileges
        & (options_before.get(item.grantor, NONE) - options_after.get(item.grantor, NONE))
        for item in items
    )
    return tuple(item for item in without(items, fallen) if item.privileges), fallen


def _cleared(item: AclItem, revoke: Taken) -> AclItem:
    if item.grantee not in revoke.grantees or item.grantor != revoke.grantor:
        return item
    if revoke.option_only:
        return replace(item, grantable=item.grantable - revoke.privileges)
    return less(item, revoke.privileges)


def _options(acl: Acl) -> dict[str, Privileges]:
    return {grantee: need.grantable for grantee, need in held_in(acl).items()}


def merge_given(found: Iterable[Edge]) -> tuple[Given, ...]:
    """The same for several grantees at once."""
    grantors: dict[tuple[str | None, Privileges, bool], set[str]] = {}
    for grantee, privileges, grantable, grantor in found:
        known = grantors.setdefault((grantee, privileges, grantable), set())
        known.update({grantor} if grantor is not None else ())
    by_edge: dict[tuple[Privileges, bool, frozenset[str]], set[str | None]] = {}
    for (grantee, privileges, grantable), names in grantors.items():
        by_edge.setdefault((privileges, grantable, frozenset(names)), set()).add(grantee)
    return tuple(Given(in_order(who), *edge) for edge, who in by_edge.items())


def _merge_taken(found: Iterable[tuple[str, Taken]]) -> tuple[Taken, ...]:
    by_edge: dict[Taken, set[str | None]] = {}
    for grantee, edge in found:
        by_edge.setdefault(edge, set()).add(grantee)
    return tuple(replace(edge, grantees=in_order(who)) for edge, who in by_edge.items())
