"""Who loses something along with another one: what he passed on falls with his grant option. Pure.

What is declared of that is given before, and is no loss. What is not goes by no REVOKE of its own:
so the REVOKE that takes it names them, and whatever is said of it is said to them too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from regent.changes import Along
from regent.observed import Acl, AclItem
from regent.plan.differences import Privileges, Scope, Taken
from regent.plan.matching import Needs

Falling = Mapping[str, Sequence[tuple[AclItem, Privileges]]]
"""By grantor, what falls of what it gave."""


def with_losing(
    taken: Iterable[tuple[str | None, Taken]],
    acl: Acl,
    fallen: Iterable[Privileges],
    needs: Needs,
    scope: Scope,
) -> Iterator[tuple[str | None, Taken]]:
    """The same, each with who loses by it; whoever loses by several of them is in the first."""
    falling: dict[str, list[tuple[AclItem, Privileges]]] = {}
    for item, gone in zip(acl, fallen, strict=True):
        if gone:
            falling.setdefault(item.grantor, []).append((item, gone))
    seen: dict[str, set[str]] = {}
    for grantee, one in taken:
        if not falling or not (one.cascade or one.cut or one.refusal):
            yield grantee, one
            continue
        first = [grantee] if one.grantor == scope.owner or one.cut is None else [one.grantor]
        found = dict[tuple[str | None, str], Privileges]()
        for item, gone in _behind(first, one.privileges, falling, seen):
            lost = loss(item, gone & one.privileges, needs, scope)
            if lost is not None and item.grantee != grantee:
                edge = item.grantee, item.grantor
                found[edge] = found.get(edge, frozenset()) | lost
        yield grantee, replace(one, along=in_order(Along(*edge, g) for edge, g in found.items()))


def _behind(
    first: Iterable[str | None],
    privileges: Privileges,
    falling: Falling,
    seen: dict[str, set[str]],
) -> Iterator[tuple[AclItem, Privileges]]:
    """What falls of what these gave, and of what those gave to whom it falls."""
    todo = [name for name in first if name is not None]
    while todo:
        grantor = todo.pop()
        known = seen.setdefault(grantor, set())
        new = privileges - known
        if not new or grantor not in falling:
            continue
        known.update(new)
        for item, gone in falling[grantor]:
            if gone & new:
                yield item, gone & new
            if item.grantee is not None and gone & new & item.grantable:
                todo.append(item.grantee)


def loss(item: AclItem, gone: Privileges, needs: Needs, scope: Scope) -> Privileges | None:
    """What of it is in our authority, and nobody declares it; None is nothing.

    No privilege, where it is a grant option alone.
    """
    ours = gone & scope.ours(item)
    allowed = scope.allowed(item.grantee, needs)
    lost = ours - allowed.privileges
    return lost if lost or (ours & item.grantable) - allowed.grantable else None


def in_order(along: Iterable[Along]) -> tuple[Along, ...]:
    """The same order, whatever they were found in."""
    return tuple(sorted(along, key=lambda one: (one.grantee or "", one.grantor, one.columns)))
