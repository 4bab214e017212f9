"""Relations whose columns have privileges of their own, declared or observed.

A REVOKE on a table clears the same privileges on its columns, so the two are planned together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from regent.changes import Along
from regent.kinds import COLUMNS
from regent.observed import Acl, AclItem, ObservedColumn
from regent.plan.acls import by_item, clear, compare, kept_for_others, merge_given
from regent.plan.differences import Difference, Given, Privileges, Scope, Taken
from regent.plan.edits import ColumnGiven, Columns, ColumnTaken
from regent.plan.losing import in_order, loss
from regent.plan.matching import CompiledGrants, Signature

EMPTY: Acl = ()
NOTHING_FALLS: tuple[Privileges, ...] = ()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Column:
    """One column that is declared or has an ACL."""

    name: str
    acl: Acl = EMPTY


@dataclass(frozen=True, slots=True)
class ColumnWork:
    """What a relation's columns need.

    `matched` are the declarations that name one of its columns. `taken` comes before the table's
    REVOKEs and `again` after them; `cascades` when those take grants on columns with them, and
    `along` goes what others have on them.
    """

    matched: Signature
    given: tuple[ColumnGiven, ...] = ()
    taken: tuple[ColumnTaken, ...] = ()
    again: tuple[ColumnGiven, ...] = ()
    cascades: bool = False
    along: tuple[Along, ...] = ()


def plan_columns(
    columns: Iterable[Column],
    signature: Signature,
    table: Difference,
    compiled: CompiledGrants,
    scope: Scope,
) -> ColumnWork:
    """Compare the columns of one relation, as they will be after what is taken on the table."""
    columns = tuple(columns)
    names = {column.name for column in columns}
    matched = tuple(i for i in signature if not names.isdisjoint(compiled.grants[i].columns))
    clearing = by_item(taken for taken in table.taken if _clears_columns(taken))
    on_table = frozenset(grantee for grantee, _ in clearing)
    given: dict[Given, list[str]] = {}
    again: dict[Given, list[str]] = {}
    taken: dict[Taken, list[str]] = {}
    cascades = False
    along: list[Along] = []
    for column in columns:
        after, fallen = clear(column.acl, clearing) if clearing else (column.acl, NOTHING_FALLS)
        needs = compiled.needs(matched, (), column.name, scope.owner)
        difference = compare(after, needs, scope)
        losers = {i.grantee for i, gone in zip(column.acl, fallen, strict=False) if gone}
        cleared = on_table | losers
        for edge in difference.given:
            for part, later in _split(edge, cleared):
                (again if later else given).setdefault(part, []).append(column.name)
        for edge in merge_given(kept_for_others(column.acl, fallen, scope) if losers else ()):
            again.setdefault(edge, []).append(column.name)
        for spurious in difference.taken:
            taken.setdefault(spurious, []).append(column.name)
        cascades = cascades or bool(losers)
        along += (
            Along(item.grantee, item.grantor, lost, (column.name,))
            for item, gone in zip(column.acl, fallen, strict=False)
            if gone and (lost := loss(item, gone, needs, scope)) is not None
        )
    edges = _by_columns(given), _by_columns(taken), _by_columns(again)
    return ColumnWork(matched, *edges, cascades, in_order(along))


def options_after(table: Acl, difference: Difference, owner: str) -> Mapping[str, Privileges]:
    """The grant options on a table as they will be: they count for its columns too."""
    items, _ = clear(table, by_item(difference.taken))
    items += tuple(
        AclItem(grantee, owner, given.privileges, given.privileges)
        for given in difference.given
        if given.grantable
        for grantee in given.grantees
    )
    return _options_that_stand(items, owner)


def _options_that_stand(items: Acl, owner: str) -> Mapping[str, Privileges]:
    """Less those that were given by whoever has no option any more, and theirs in turn."""
    by_grantor: dict[tuple[str, str], list[AclItem]] = {}
    had: Counter[tuple[str, str]] = Counter()
    for item in items:
        if item.grantee is not None:
            had.update((item.grantee, privilege) for privilege in item.grantable)
        for privilege in item.privileges if item.grantor != owner else ():
            by_grantor.setdefault((item.grantor, privilege), []).append(item)
    falling = [edge for edge in by_grantor if not had[edge]]
    while falling:
        grantor, privilege = falling.pop()
        for item in by_grantor[grantor, privilege]:
            if item.grantee is None or privilege not in item.grantable:
                continue
            had[item.grantee, privilege] -= 1
            if not had[item.grantee, privilege] and (item.grantee, privilege) in by_grantor:
                falling.append((item.grantee, privilege))
    options: dict[str, set[str]] = {}
    for (role, privilege), count in had.items():
        if count:
            options.setdefault(role, set()).add(privilege)
    return {role: frozenset(some) for role, some in options.items()}


def column_set(observed: Iterable[ObservedColumn], declared: Iterable[str]) -> Mapping[str, Column]:
    """The columns of one relation to look at, in order of their names."""
    found = {name: Column(name) for name in declared}
    found |= {o.column: Column(o.column, o.acl) for o in observed}
    return dict(sorted(found.items()))


def with_cascade(taken: tuple[Taken, ...], work: ColumnWork) -> tuple[Taken, ...]:
    """The table's REVOKEs, told that grants on columns hang on them."""
    if not work.cascades:
        return taken
    return tuple(
        replace(t, cascade=True, along=(*t.along, *_of_others(work.along, t)))
        if _clears_columns(t)
        else t
        for t in taken
    )


def _of_others(along: Iterable[Along], taken: Taken) -> Iterator[Along]:
    for one in along:
        if one.grantee not in taken.grantees:
            yield one._replace(privileges=one.privileges & taken.privileges)


def _clears_columns(taken: Taken) -> bool:
    return not taken.refusal and bool(taken.privileges & COLUMNS.privileges)


def _split(edge: Given, cleared: frozenset[str | None]) -> Iterable[tuple[Given, bool]]:
    """The same edge for those whom the REVOKE does not touch, and for the others after it."""
    later = tuple(grantee for grantee in edge.grantees if grantee in cleared)
    now = tuple(grantee for grantee in edge.grantees if grantee not in cleared)
    if now:
        yield replace(edge, grantees=now), False
    if later:
        yield replace(edge, grantees=later), True


def _by_columns(found: Mapping[T, list[str]]) -> tuple[tuple[Columns, T], ...]:
    return tuple((tuple(columns), edge) for edge, columns in found.items())
