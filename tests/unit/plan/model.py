"""A small PostgreSQL of ACLs in memory: what GRANT and REVOKE do, as the manual says it.

It refuses what the server refuses (a REVOKE that others depend on, without CASCADE; a grantor
without any right), so that a plan is also proved to be executable in its order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from regent.changes import Change, GrantPrivileges, RevokePrivileges
from regent.desired import Attributes
from regent.observed import (
    Acl,
    AclItem,
    ObjectGroup,
    Observed,
    ObservedColumn,
    ObservedDatabase,
    ObservedRole,
    ObservedServer,
)
from shared.privileges import PRIVILEGES_OF, ObjectKind

Edge = tuple[str | None, str]


class RefusedError(Exception):
    """The server would not do it."""


@dataclass(eq=False)
class ModelAcl:
    """(grantee, grantor) → privileges and grant options."""

    owner: str
    items: dict[Edge, tuple[set[str], set[str]]] = field(default_factory=dict)

    def grant(
        self, grantee: str | None, grantor: str, privileges: Iterable[str], *, option: bool
    ) -> None:
        held, options = self.items.setdefault((grantee, grantor), (set(), set()))
        held.update(privileges)
        if option and grantee is not None:
            options.update(privileges)

    def options_of(self, role: str | None) -> set[str]:
        return set().union(*(o for (g, _), (_, o) in self.items.items() if g == role))

    def held_by(self, role: str | None) -> set[str]:
        return set().union(*(h for (g, _), (h, _) in self.items.items() if g == role))

    def revoke(
        self,
        grantee: str | None,
        grantor: str,
        privileges: set[str],
        *,
        option_only: bool,
        cascade: bool,
    ) -> None:
        held, options = self.items.get((grantee, grantor), (set(), set()))
        before = self.options_of(grantee)
        options -= privileges
        if not option_only:
            held -= privileges
        if not held:
            self.items.pop((grantee, grantor), None)
        if grantee is None or grantee == self.owner:
            return
        gone = before - self.options_of(grantee)
        for dependent, by in list(self.items):
            if by != grantee or (dependent, by) not in self.items:
                continue
            lost = self.items[dependent, by][0] & gone
            if lost and not cascade:
                raise RefusedError(f"dependent privileges exist: {grantee} {lost} {dependent}")
            if lost:
                self.revoke(dependent, by, lost, option_only=False, cascade=True)

    def acl(self) -> Acl:
        return tuple(
            AclItem(grantee, grantor, frozenset(held), frozenset(options))
            for (grantee, grantor), (held, options) in self.items.items()
        )


@dataclass(eq=False)
class ModelObject:
    kind: ObjectKind
    schema: str | None
    name: str
    oid: int
    owner: str
    relation_kind: str = ""
    column_names: tuple[str, ...] = ()
    is_extension_member: bool = False
    acl: ModelAcl = field(init=False)
    columns: dict[str, ModelAcl] = field(init=False)

    def __post_init__(self) -> None:
        self.acl = ModelAcl(self.owner)
        self.acl.grant(self.owner, self.owner, PRIVILEGES_OF[self.kind], option=True)
        self.columns = {name: ModelAcl(self.owner) for name in self.column_names}

    def apply(self, change: GrantPrivileges | RevokePrivileges) -> None:
        on_columns = change.kind is ObjectKind.COLUMN
        acls = [self.columns[c] for c in change.columns] if on_columns else [self.acl]
        for grantee in change.grantees:
            if isinstance(change, GrantPrivileges):
                for acl in acls:
                    acl.grant(grantee, self.owner, change.privileges, option=change.grantable)
                continue
            self._may_revoke(change, acls)
            of_columns = set(change.privileges) & PRIVILEGES_OF[ObjectKind.COLUMN]
            all_acls = acls if on_columns else [*acls, *self.columns.values()]
            for acl in all_acls:
                what = set(change.privileges) if acl in acls else of_columns
                acl.revoke(
                    grantee,
                    change.grantor,
                    what,
                    option_only=change.grant_option_only,
                    cascade=change.cascade,
                )

    def _may_revoke(self, change: RevokePrivileges, acls: list[ModelAcl]) -> None:
        grantor = change.grantor
        rights = [self.acl, *acls]
        if grantor != self.owner and not any(a.held_by(grantor) for a in rights):
            raise RefusedError(f"permission denied for {self.name} to {grantor}")


@dataclass(eq=False)
class Model:
    """One server with one database, `mydb`."""

    roles: tuple[str, ...]
    objects: list[ModelObject] = field(default_factory=list)
    default_sequences: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def add(
        self,
        kind: ObjectKind,
        schema: str | None,
        name: str,
        *,
        owner: str = "owner",
        columns: tuple[str, ...] = (),
        relation_kind: str = "",
        extension: bool = False,
    ) -> ModelObject:
        oid = 16_384 + len(self.objects)
        made = ModelObject(kind, schema, name, oid, owner, relation_kind, columns, extension)
        self.objects.append(made)
        return made

    def named(self, name: str) -> ModelObject:
        return next(o for o in self.objects if o.name == name)

    def apply(self, changes: Iterable[Change]) -> None:
        for change in changes:
            assert isinstance(change, GrantPrivileges | RevokePrivileges), change
            for ref in change.objects:
                found = next(o for o in self.objects if o.oid == ref.oid)
                assert (found.name, found.owner) == (ref.name, ref.owner)
                found.apply(change)

    def held(self) -> Iterator[tuple[int, str, str | None, str]]:
        """(oid, column or empty, grantee, privilege), for everything but the owners' own."""
        for found in self.objects:
            for column, acl in [("", found.acl), *found.columns.items()]:
                for grantee, _ in acl.items:
                    if grantee != found.owner:
                        yield from ((found.oid, column, grantee, p) for p in acl.held_by(grantee))

    def observe(self, *, is_partial: bool = False) -> Observed:
        groups: dict[tuple[object, ...], list[ModelObject]] = {}
        for o in self.objects:
            key = (o.kind, o.schema, o.owner, o.relation_kind, o.is_extension_member, o.acl.acl())
            groups.setdefault(key, []).append(o)
        made = [_group(members) for members in groups.values()]
        columns_present: dict[str, set[int]] = {}
        for found in self.objects:
            for column in found.columns:
                columns_present.setdefault(column, set()).add(found.oid)
        database = ObservedDatabase(
            name="mydb",
            groups=tuple(g for g in made if g.kind is not ObjectKind.DATABASE),
            columns=tuple(self._columns()),
            columns_present={c: frozenset(oids) for c, oids in columns_present.items()},
            default_sequences=self.default_sequences,
            is_partial=is_partial,
        )
        server = ObservedServer(
            version_num=180_000,
            system_identifier="1",
            admin="admin",
            admin_is_superuser=True,
            roles={name: a_role(name, oid=100 + i) for i, name in enumerate(self.roles)},
            databases=tuple(g for g in made if g.kind is ObjectKind.DATABASE),
        )
        return Observed(server, {"mydb": database})

    def _columns(self) -> Iterator[ObservedColumn]:
        for found in self.objects:
            for name, acl in found.columns.items():
                if acl.items:
                    yield ObservedColumn(
                        schema=found.schema or "",
                        relation=found.name,
                        relation_oid=found.oid,
                        relation_kind=found.relation_kind,
                        owner=found.owner,
                        column=name,
                        acl=acl.acl(),
                        is_extension_member=found.is_extension_member,
                    )


def a_role(name: str, *, oid: int = 100, login: bool = False) -> ObservedRole:
    return ObservedRole(oid=oid, name=name, login=login, attributes=Attributes())


def _group(members: list[ModelObject]) -> ObjectGroup:
    first = members[0]
    return ObjectGroup(
        kind=first.kind,
        schema=first.schema,
        owner=first.owner,
        acl=first.acl.acl(),
        names=tuple(m.name for m in members),
        oids=tuple(m.oid for m in members),
        relation_kind=first.relation_kind,
        is_extension_member=first.is_extension_member,
    )
