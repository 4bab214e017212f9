"""What is about a role that the server does not let us make, or rename, is not asked for. Pure.

It would be refused as well, for a reason that says nothing: the role is not there. So it waits with
what the server refused, and says that. Whose fault it is not hears nothing of it: the group of a
member that could not be made is as declared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from regent.changes import (
    Change,
    CreateRole,
    DefaultsChange,
    GrantMembership,
    PrivilegeChange,
    RenameRole,
    RevokeMembership,
)
from regent.plan.edges import split

Making = CreateRole | RenameRole


def names_refused(refused: Iterable[Change]) -> Mapping[str, Making]:
    """What would be called so, and is not: by name, the change that was refused."""
    makings = [one for one in refused if isinstance(one, CreateRole | RenameRole)]
    renames = (one for one in makings if isinstance(one, RenameRole))
    return {one.role: one for one in makings} | {one.new_name: one for one in renames}


def apart(change: Change, missing: Mapping[str, Making]) -> Iterator[tuple[Change, Making | None]]:
    """The change in parts, each with what it waits for, or None where it waits for nothing."""
    if isinstance(change, PrivilegeChange):
        yield from _parts(change, missing)
        return
    names = _receiver_first(change)
    first = next((missing[name] for name in names if name in missing), None)
    if first is None or isinstance(change, CreateRole | RenameRole):
        yield change, None
        return
    yield (_blaming(change, first) if names[0] in missing else change), first


def _parts(
    change: PrivilegeChange, missing: Mapping[str, Making]
) -> Iterator[tuple[PrivilegeChange, Making | None]]:
    waiting, free = split(change, lambda edge: edge.grantee in missing)
    for part in free:
        yield part, None
    for part in waiting:
        for grantee in part.grantees:
            first = missing[str(grantee)]
            yield replace(part, grantees=(grantee,), causes=first.causes), first


def _receiver_first(change: Change) -> tuple[str, ...]:
    if isinstance(change, GrantMembership | RevokeMembership):
        return change.member, change.group
    return change.about


def _blaming(change: Change, first: Making) -> Change:
    """As an affair of the resources whose role it is."""
    if isinstance(change, GrantMembership | RevokeMembership | DefaultsChange):
        return replace(change, causes=first.causes)
    return change
