"""One ACL against what shall be held on it: what is missing, what is spurious, and from whom.

Whoever has a grant option makes an ACL as long as the server has roles: each item is met a few
times, and never once for each other one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from regent.observed import Acl, AclItem
from regent.plan.cuts import find_cuts
from regent.plan.differences import (
    NONE,
    SAME,
    Difference,
    Gift,
    Given,
    Options,
    Privileges,
    Scope,
    Taken,
    held_by_all,
    held_in,
    in_order,
    less,
    without,
)
from regent.plan.losing import with_losing
from regent.plan.matching import NOTHING, Needs

Revokes = Mapping[tuple[str | None, str], Sequence[Taken]]


def compare(acl: Acl, needs: Needs, scope: Scope) -> Difference:
    """What to give and to take, so that managed grantees hold exactly `needs` (rule 8).

    What a grantee passes on with a grant option goes when the option goes. Whoever keeps a right
    to it (declared, or none of our business) is in `given`, which comes first: then the cascade
    takes a second item and nobody is without for a moment.
    """
    if _is_as_declared(acl, needs, scope):
        return SAME
    options = _options(acl)
    lost = tuple(_lost(item, options, needs, scope) for item in acl)
    cuts = find_cuts(acl, lost, needs, scope)
    fallen = cuts.with_them(acl, lost) if cuts else lost
    given = [*_missing(acl, fallen, needs, scope), *kept_for_others(acl, fallen, scope)]
    taken = [*_spurious(acl, fallen, needs, scope), *cuts.taken(acl, given, scope)]
    if not given and not taken:
        return SAME
    return Difference(
        merge_given(given), _merge_taken(with_losing(taken, acl, fallen, needs, scope))
    )


def _is_as_declared(acl: Acl, needs: Needs, scope: Scope) -> bool:
    """The common case, found fast: one item of the owner for each need, and no other."""
    owner, managed = scope.owner, scope.managed
    fitting = 0
    for item in acl:
        grantee = item.grantee
        if item.grantor != owner and item.grantor in managed:
            return False
        if grantee is None or grantee not in managed or grantee == owner:
            continue  # PUBLIC below
        need = needs.get(grantee)
        if (
            need is None
            or item.grantor != owner
            or item.privileges != need.privileges
            or item.grantable != need.grantable
        ):
            return False
        fitting += 1
    if fitting != len(needs) - (owner in needs) - (None in needs):
        return False
    return not scope.of_public or _is_public_as_declared(acl, needs, scope)


def _is_public_as_declared(acl: Acl, needs: Needs, scope: Scope) -> bool:
    allowed = scope.allowed(None, needs).privileges
    of_public = [item for item in acl if item.grantee is None]
    if any(scope.ours(item) - allowed for item in of_public):
        return False
    has = NONE.union(*(item.privileges for item in of_public))
    return needs.get(None, NOTHING).privileges & scope.of_public <= has


def _lost(item: AclItem, options: Options, needs: Needs, scope: Scope) -> Privileges:
    """What of an item falls with its grantor's grant option."""
    grantor = item.grantor
    if grantor == scope.owner or grantor not in scope.managed:
        return NONE
    had = options.get(grantor, NONE)
    return item.privileges & (had - scope.allowed(grantor, needs).grantable)


def _missing(acl: Acl, lost: tuple[Privileges, ...], needs: Needs, scope: Scope) -> Iterable[Gift]:
    held = held_by_all(without(acl, lost) if any(lost) else acl)
    for grantee, need in needs.items():
        if grantee is None:
            if plain := need.privileges & scope.of_public - held.get(None, NOTHING).privileges:
                yield None, plain, False, None
            continue
        if grantee == scope.owner or grantee not in scope.managed:
            continue
        has = held.get(grantee, NOTHING)
        options = need.grantable - has.grantable
        plain = need.privileges - has.privileges - options
        if options:
            yield grantee, options, True, None
        if plain:
            yield grantee, plain, False, None


def kept_for_others(acl: Acl, lost: tuple[Privileges, ...], scope: Scope) -> Iterable[Gift]:
    """Roles that are not ours, and PUBLIC, keep what they have, from the owner instead."""
    if not any(lost):
        return
    left = held_by_all(without(acl, lost))
    for item, gone in zip(acl, lost, strict=True):
        grantee, gone = item.grantee, gone - scope.ours(item)  # noqa: PLW2901 - as it counts here
        if not gone or grantee == scope.owner:
            continue
        if grantee is not None and grantee not in scope.known:
            continue
        keeps = left.get(grantee, NOTHING)
        options = (gone & item.grantable) - keeps.grantable
        plain = gone - options - keeps.privileges
        if options:
            yield grantee, options, True, item.grantor
        if plain:
            yield grantee, plain, False, item.grantor


def _spurious(
    acl: Acl, lost: tuple[Privileges, ...], needs: Needs, scope: Scope
) -> list[tuple[str | None, Taken]]:
    taken: list[tuple[str | None, Taken]] = []
    passed_on = _passed_on(acl, lost)
    options_in_it = _options(acl) if scope.acting else {}
    for item, gone in zip(acl, lost, strict=True):
        grantee, ours = item.grantee, scope.ours(item)
        if not ours:
            continue
        allowed = scope.allowed(grantee, needs)
        extra = ours - allowed.privileges - gone
        options = (item.grantable & ours) - allowed.grantable - extra - gone
        stays = scope.not_revoked(item.grantor, options_in_it)
        fallen = NONE if grantee is None else passed_on.get(grantee, NONE)
        for part, taking in _apart(extra, item.grantor, stays, scope):
            cascade = bool(part & item.grantable & fallen)
            taken.append((grantee, replace(taking, cascade=cascade)))
        for part, taking in _apart(options, item.grantor, stays, scope):
            cascade = bool(part & fallen)
            taken.append((grantee, replace(taking, option_only=True, cascade=cascade)))
    return taken


def _apart(
    some: Privileges, grantor: str, stays: Privileges, scope: Scope
) -> Iterable[tuple[Privileges, Taken]]:
    """What a REVOKE takes, and what it would leave: that as the owner, where we may become it."""
    if some - stays:
        yield some - stays, Taken((), grantor, some - stays)
    left = some & stays
    if left and scope.is_owner_reached:
        yield left, Taken((), grantor, left, as_owner=True)
    elif left:
        why = (
            f'The owner, "{scope.owner}", gave it, and the admin has a grant option and not the'
            " owner's right: what it revokes is what it gave itself"
        )
        yield left, Taken((), grantor, left, refusal=why)


def _passed_on(acl: Acl, lost: tuple[Privileges, ...]) -> Options:
    """What falls of what each grantor gave."""
    found: dict[str, Privileges] = {}
    for item, gone in zip(acl, lost, strict=True):
        if gone:
            found[item.grantor] = found.get(item.grantor, NONE) | gone
    return found


def by_item(taken: Iterable[Taken]) -> Revokes:
    """REVOKEs by the items that they touch: by grantee and grantor, in their order."""
    found: dict[tuple[str | None, str], list[Taken]] = {}
    for revoke in taken:
        for grantee in revoke.grantees:
            found.setdefault((grantee, revoke.grantor), []).append(revoke)
    return found


def clear(acl: Acl, revokes: Revokes) -> tuple[Acl, tuple[Privileges, ...]]:
    """A column's ACL after the REVOKEs on its table, which clear it, and what falls by cascade.

    The second has what each item of `acl` loses because its grantor's option goes.

    https://www.postgresql.org/docs/18/sql-revoke.html: revoking on a table revokes the same
    privileges on each of its columns, as far as the same grantor gave them.
    """
    items = tuple(_cleared(item, revokes.get((item.grantee, item.grantor), ())) for item in acl)
    options_before, options_after = _options(acl), _options(items)
    fallen = tuple(
        item.privileges
        & (options_before.get(item.grantor, NONE) - options_after.get(item.grantor, NONE))
        for item in items
    )
    return tuple(item for item in without(items, fallen) if item.privileges), fallen


def _cleared(item: AclItem, revokes: Iterable[Taken]) -> AclItem:
    for revoke in revokes:
        if revoke.option_only:
            item = replace(item, grantable=item.grantable - revoke.privileges)
        else:
            item = less(item, revoke.privileges)
    return item


def _options(acl: Acl) -> Options:
    return {grantee: need.grantable for grantee, need in held_in(acl).items()}


def merge_given(found: Iterable[Gift]) -> tuple[Given, ...]:
    """The same for several grantees at once."""
    grantors: dict[tuple[str | None, Privileges, bool], set[str]] = {}
    for grantee, privileges, grantable, grantor in found:
        known = grantors.setdefault((grantee, privileges, grantable), set())
        known.update({grantor} if grantor is not None else ())
    by_edge: dict[tuple[Privileges, bool, frozenset[str]], set[str | None]] = {}
    for (grantee, privileges, grantable), names in grantors.items():
        by_edge.setdefault((privileges, grantable, frozenset(names)), set()).add(grantee)
    return tuple(Given(in_order(who), *edge) for edge, who in by_edge.items())


def _merge_taken(found: Iterable[tuple[str | None, Taken]]) -> tuple[Taken, ...]:
    by_edge: dict[Taken, set[str | None]] = {}
    for grantee, edge in found:
        by_edge.setdefault(edge, set()).add(grantee)
    return tuple(replace(edge, grantees=in_order(who)) for edge, who in by_edge.items())
