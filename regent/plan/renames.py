"""Roles that are renamed first, so that the rest of a plan may speak of their new names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from heapq import heappop, heappush

from regent.changes import Change, RenameRole
from regent.desired import Desired, DesiredRole, PasswordPolicy
from regent.observed import (
    Acl,
    AclItem,
    ObjectGroup,
    Observed,
    ObservedDatabase,
    ObservedRole,
    ObservedServer,
)
from shared.keys import ResourceKey

Names = Mapping[str, str]
"""New names by old ones."""


def new_names(changes: Iterable[Change]) -> Names:
    """Those that these changes give; what somebody renamed by hand has its name."""
    renames = (one for one in changes if isinstance(one, RenameRole))
    return {one.role: one.new_name for one in renames if not one.is_done_by_hand}


def plan_renames(
    desired: Desired, server: ObservedServer, former: Mapping[str, ResourceKey]
) -> tuple[RenameRole, ...]:
    """Renames, in an order in which no new name is still taken by one that moves later.

    Of those in a ring none can move without a third name: that is done where somebody has renamed
    them by hand, and their marks say whose they are all the time. `former` are the holders of roles
    that go to another person: these keep them for now. What somebody renamed by hand to the name
    that is declared now has its mark moved: the next one of its old name would write over it.
    """
    moving = {role.renamed_from for role in desired.roles.values()}
    waiting = {
        role.renamed_from: role
        for role in desired.roles.values()
        if role.renamed_from in server.roles
        and (role.name not in server.roles or role.name in moving)
    }
    places = {old: place for place, old in enumerate(waiting)}
    names = list(waiting)
    into = {role.name: places[old] for old, role in waiting.items()}
    free = [places[old] for old, role in waiting.items() if role.name not in waiting]  # a heap
    ordered = [
        RenameRole(
            name,
            name,
            former.get(name, role.holder),
            role.declared_by,
            marked_as=role.marked_as,
        )
        for name, role in sorted(desired.roles.items())
        if role.marked_as not in ("", name)
        and role.renamed_from is None
        and name in server.roles
        and name not in moving
    ]
    moved = []
    while free:
        old = names[heappop(free)]
        if old in into:
            heappush(free, into[old])
        moved.append(old)
    ordered += [_rename(waiting[old], server, former) for old in moved]
    rest = {str(old): role for old, role in waiting.items() if old not in set(moved)}
    for ring in _rings(rest):
        if all(role.marked_as == role.name for role in ring):
            ordered += _around(ring, server, former)
    return tuple(ordered)


def _rename(
    role: DesiredRole, server: ObservedServer, former: Mapping[str, ResourceKey]
) -> RenameRole:
    observed = server.roles[str(role.renamed_from)]
    is_set_again = role.password is PasswordPolicy.SET and role.verifier is not None
    return RenameRole(
        observed.name,
        role.name,
        former.get(role.name, role.holder),
        role.declared_by,
        clears_password=observed.loses_its_password_by_a_rename and not is_set_again,
        marked_as=role.marked_as,
    )


def _rings(waiting: Mapping[str, DesiredRole]) -> Iterator[tuple[DesiredRole, ...]]:
    """The roles of each ring: each one's name is had by the one before it."""
    into = {role.name: role for role in waiting.values()}
    seen: set[str] = set()
    for old in waiting:
        ring: list[DesiredRole] = []
        name = old
        while name in into and name not in seen:
            seen.add(name)
            ring.append(into[name])
            name = str(into[name].renamed_from)
        if ring and name == old:
            yield tuple(ring)


def _around(
    ring: tuple[DesiredRole, ...], server: ObservedServer, former: Mapping[str, ResourceKey]
) -> Iterator[RenameRole]:
    """The first one puts the last one aside, which has its name; each makes room for the next.

    They are one transaction. Where they are not, as one was refused, no ring is left, and the next
    look goes on.
    """
    first, *others, last = (_rename(role, server, former) for role in ring)
    aside = f"aside-{server.roles[last.role].oid}"
    while aside in server.roles:
        aside += "-"
    yield replace(first, puts_aside=last.role, aside=aside)
    yield from others
    yield replace(last, aside=aside)


def with_new_names(observed: Observed, names: Names) -> Observed:
    """The same reading, as it will be once the roles have their new names."""
    if not names:
        return observed
    renaming = _Renaming(names)
    return Observed(
        renaming.server(observed.server),
        {name: renaming.database(database) for name, database in observed.databases.items()},
    )


def server_after(changes: Iterable[Change], server: ObservedServer) -> ObservedServer:
    """The server as these changes speak of it: by the names that their renames give."""
    names = {one.role: one.new_name for one in changes if isinstance(one, RenameRole)}
    return _Renaming(names).server(server) if names else server


class _Renaming:
    """Keeps equal ACLs one object, as the reading promises."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._acls: dict[int, Acl] = {}

    def server(self, server: ObservedServer) -> ObservedServer:
        roles = {self._name(old): self._role(old, r) for old, r in server.roles.items()}
        memberships = tuple(
            replace(
                m,
                group=self._name(m.group),
                member=self._name(m.member),
                grantor=self._name(m.grantor),
            )
            for m in server.memberships
        )
        return replace(
            server,
            roles=roles,
            memberships=memberships,
            lingering=frozenset(map(self._name, server.lingering)),
            databases=tuple(map(self._group, server.databases)),
            shared=tuple(map(self._group, server.shared)),
        )

    def _role(self, old: str, role: ObservedRole) -> ObservedRole:
        """Its md5 password is gone by then, so one that is declared is set again."""
        if old not in self._names:
            return role
        is_cleared = role.loses_its_password_by_a_rename
        return replace(role, name=self._name(old), verifier=None if is_cleared else role.verifier)

    def database(self, database: ObservedDatabase) -> ObservedDatabase:
        columns = tuple(
            replace(c, owner=self._name(c.owner), acl=self._acl(c.acl)) for c in database.columns
        )
        groups = tuple(self._group(g) for g in database.groups)
        defaults = tuple(
            replace(d, creator=self._name(d.creator), acl=self._acl(d.acl))
            for d in database.defaults
        )
        return replace(database, groups=groups, columns=columns, defaults=defaults)

    def _group(self, group: ObjectGroup) -> ObjectGroup:
        return replace(
            group,
            owner=self._name(group.owner),
            acl=self._acl(group.acl),
        )

    def _acl(self, acl: Acl) -> Acl:
        if id(acl) not in self._acls:
            self._acls[id(acl)] = tuple(self._item(item) for item in acl)
        return self._acls[id(acl)]

    def _item(self, item: AclItem) -> AclItem:
        grantee = None if item.grantee is None else self._name(item.grantee)
        return replace(item, grantee=grantee, grantor=self._name(item.grantor))

    def _name(self, name: str) -> str:
        return self._names.get(name, name)
