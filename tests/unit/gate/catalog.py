"""A server in memory that carries out plans: roles, memberships, table privileges, marks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from regent.changes import (
    AdoptRole,
    AlterRole,
    Change,
    ClearPassword,
    CreateRole,
    DropRole,
    EndSessions,
    GrantMembership,
    GrantPrivileges,
    HandOver,
    ReleaseRole,
    RenameRole,
    RevokeMembership,
    RevokePrivileges,
    SetPassword,
)
from regent.desired import Attributes
from regent.observed import (
    AclItem,
    ObjectGroup,
    Observed,
    ObservedDatabase,
    ObservedMembership,
    ObservedRole,
    ObservedServer,
)
from regent.remembered import Mark
from shared.keys import ResourceKey
from shared.privileges import ObjectKind
from tests.declared import REGENT

OWNER = "owner"
ADMIN = "my-admin"
TABLES = (("mydb", "t0", 501), ("mydb", "t1", 502), ("other", "t2", 503))
Held = tuple[str, str, str]
"""A role, what kind of thing it has (a table's name, `group`, `attribute`, `login`), and which."""


@dataclass(slots=True)
class Catalog:
    """Everything is granted by the owner; the admin is a superuser."""

    roles: dict[str, ObservedRole] = field(default_factory=dict)
    members: set[tuple[str, str]] = field(default_factory=set)
    granted: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """(table, role) → privileges."""
    marks: dict[str, Mark] = field(default_factory=dict)
    _oid: int = 1000

    def add(self, name: str, *, login: bool = False, createrole: bool = False) -> None:
        self._oid += 1
        attributes = Attributes(createrole=createrole)
        self.roles[name] = ObservedRole(self._oid, name, login, attributes)

    def held(self) -> Iterator[Held]:
        """Whatever a brake might withhold."""
        for name, one in self.roles.items():
            if one.login:
                yield name, "login", ""
            if one.attributes.createrole:
                yield name, "attribute", "createrole"
        for group, member in self.members:
            yield member, "group", group
        for (table, name), privileges in self.granted.items():
            yield from ((name, table, privilege) for privilege in privileges)

    def observe(self, unread: frozenset[str]) -> Observed:
        owner = ObservedRole(11, OWNER, False, Attributes())
        admin = ObservedRole(10, ADMIN, True, Attributes(superuser=True))
        rows = [ObservedMembership(g, m, ADMIN, admin=False) for g, m in sorted(self.members)]
        server = ObservedServer(
            180_000, "7", ADMIN, True, {**self.roles, OWNER: owner, ADMIN: admin}, tuple(rows)
        )
        databases = {"mydb", "other"} - unread
        return Observed(server, {name: self._database(name) for name in databases})

    def _database(self, name: str) -> ObservedDatabase:
        every = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
        groups = []
        for database, table, oid in TABLES:
            if database == name:
                items = [AclItem(OWNER, OWNER, every, every)]
                items += [
                    AclItem(role, OWNER, frozenset(privileges))
                    for (one, role), privileges in sorted(self.granted.items())
                    if one == table and privileges
                ]
                groups.append(
                    ObjectGroup(ObjectKind.TABLE, "s", OWNER, tuple(items), (table,), (oid,), "r")
                )
        return ObservedDatabase(name, tuple(groups))

    def apply(self, change: Change) -> None:  # noqa: PLR0912 - one line per kind of change
        match change:
            case GrantPrivileges():
                for one in change.objects:
                    for grantee in change.grantees:
                        self.granted.setdefault((one.name, str(grantee)), set()).update(
                            change.privileges
                        )
            case RevokePrivileges():
                for one in change.objects:
                    for grantee in change.grantees:
                        self.granted[one.name, str(grantee)] -= change.privileges
            case GrantMembership(group=group, member=member):
                self.members.add((group, member))
            case RevokeMembership(group=group, member=member):
                self.members.discard((group, member))
            case CreateRole(role=role):
                self.add(role)
                self._mark(role, change.holder, "created")
            case AdoptRole(role=role):
                self._mark(role, change.holder, "adopted")
            case HandOver(role=role):
                self.marks[role] = replace(self.marks[role], holder=change.holder)
            case SetPassword(role=role):
                self._set(role, verifier=change.verifier)
            case ClearPassword(role=role):
                self._set(role, verifier=None)
            case AlterRole(role=role):
                self._alter(change)
            case RenameRole(role=role):
                self._rename(role, change.new_name, change.holder)
            case ReleaseRole(role=role):
                self.marks[role] = replace(self.marks[role], released=True)
            case DropRole(role=role):
                self._drop(role)
            case EndSessions():
                pass
            case _:
                raise AssertionError(f"{change} is not carried out here")

    def _set(self, role: str, **what: object) -> None:
        self.roles[role] = replace(self.roles[role], **what)  # type: ignore[arg-type]

    def _alter(self, change: AlterRole) -> None:
        one = self.roles[change.role]
        if change.login is not None:
            one = replace(one, login=change.login)
        if change.for_now:
            one = replace(one, verifier=None)
        if change.createrole is not None:
            attributes = replace(one.attributes, createrole=change.createrole)
            one = replace(one, attributes=attributes)
        self.roles[change.role] = one

    def _mark(self, role: str, holder: ResourceKey, origin: str) -> None:
        made = "created" if origin == "created" else "adopted"
        self.marks[role] = Mark(role, REGENT, holder, made, self.roles[role].oid)  # type: ignore[arg-type]

    def _rename(self, old: str, new: str, holder: ResourceKey) -> None:
        self.roles[new] = replace(self.roles.pop(old), name=new)
        swap = {old: new}
        self.members = {(swap.get(g, g), swap.get(m, m)) for g, m in self.members}
        self.granted = {(t, swap.get(r, r)): held for (t, r), held in self.granted.items()}
        self.marks[new] = replace(self.marks.pop(old), role=new, holder=holder)

    def _drop(self, role: str) -> None:
        del self.roles[role]
        self.marks.pop(role, None)
        self.members = {pair for pair in self.members if role not in pair}
        self.granted = {key: held for key, held in self.granted.items() if key[1] != role}
