"""What would be there after a plan: the reading, with each change done in memory. Pure.

All of it is done, also what waits for a person, for an end of a pause or for somebody's LOGIN: that
is what the declaration comes to. Only what the server is known to refuse stays (ADR 60).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from regent.access.acls import given, owned_by, taken, without, without_given_by
from regent.access.places import Held, Place, Places, new_place, places_of
from regent.changes import (
    AdoptRole,
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateOwned,
    CreateRole,
    Cut,
    DisableRole,
    DropRole,
    EnableRole,
    EndSessions,
    GatherObjects,
    GrantDefaults,
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    HandOver,
    OfObjects,
    ReleaseRole,
    RenameRole,
    RevokeDefaults,
    RevokeMembership,
    RevokePrivileges,
    SetOwner,
    SetPassword,
)
from regent.kinds import COLUMNS, DATABASES, KINDS, Scope
from regent.observed import Acl, Observed, ObservedMembership, ObservedRole
from regent.plan.memberships import our_grantor
from regent.plan.renames import new_names, with_new_names
from regent.reach import POWERFUL_ATTRIBUTES
from shared.memberships import OPTIONS_SINCE
from shared.privileges import PRIVILEGES_OF, ObjectKind

_SWITCHES = (*POWERFUL_ATTRIBUTES, "inherit")
OF_EVERYBODY = frozenset({"CONNECT", "TEMPORARY"})
"""What PUBLIC has on a database that is new."""
_Turn = Callable[[Held], Held]


def foreseen(observed: Observed, changes: Sequence[Change]) -> Places:
    """The places, once these changes are done."""
    observed = with_new_names(observed, new_names(changes))
    world = _World(places_of(observed))
    for change in changes:
        world.do(change)
    return world.places()


@dataclass
class _World:
    """What changes, change by change. What was one `Held` before stays one."""

    before: Places
    held: dict[Place, Held] = field(init=False)
    columns: dict[Place, tuple[Place, ...]] = field(init=False)
    roles: dict[str, ObservedRole] = field(init=False)
    memberships: list[ObservedMembership] = field(init=False)

    def __post_init__(self) -> None:
        server = self.before.server
        self.held = dict(self.before.held)
        self.columns = dict(self.before.columns)
        self.roles, self.memberships = dict(server.roles), list(server.memberships)

    def places(self) -> Places:
        """As it is now."""
        server = replace(self.before.server, roles=self.roles, memberships=tuple(self.memberships))
        return replace(self.before, server=server, held=self.held, columns=self.columns)

    def do(self, change: Change) -> None:  # noqa: PLR0912 - one case per kind of change
        """One change."""
        match change:
            case CreateRole(role=name):
                self.roles[name] = ObservedRole(0, name, login=False, attributes=change.attributes)
            case AlterRole():
                self._alter(change)
            case DisableRole(role=name) | EnableRole(role=name):
                if name in self.roles:
                    is_on = isinstance(change, EnableRole)
                    self.roles[name] = replace(self.roles[name], login=is_on)
            case GrantMembership():
                self._join(change)
            case RevokeMembership():
                self._leave(change)
            case GrantPrivileges():
                self._grant(change)
            case RevokePrivileges():
                self._revoke(change)
            case GrantDefaults() | RevokeDefaults():
                self._default(change)
            case CreateOwned():
                self._make(change)
            case SetOwner():
                self._own(change)
            case GatherObjects(objects=refs):
                found = [self._at(change.database, change.kind, ref.oid) for ref in refs]
                moving = [place for place in found if place is not None]
                self._move(moving, change.former, change.owner)
                for one in change.keeps:
                    self._grant(one, by=change.owner)
            case HandOnOwned():
                self._hand_on(change)
            case DropRole(role=name):
                self._drop(name)
            case RenameRole() | AdoptRole() | HandOver() | ReleaseRole() | EndSessions():
                return
            case SetPassword() | ClearPassword() | AlterSetting():
                return
            case _:
                assert_never(change)

    def _alter(self, change: AlterRole) -> None:
        role = self.roles.get(change.role)
        if role is None:
            return
        set_to = {one: getattr(change, one) for one in _SWITCHES}
        switched = {one: value for one, value in set_to.items() if value is not None}
        login = role.login if change.login is None else change.login
        attributes = replace(role.attributes, **switched)
        self.roles[change.role] = replace(role, login=login, attributes=attributes)
        if change.inherit is not None and self.before.server.major < OPTIONS_SINCE:
            self.memberships = [
                replace(one, inherit=change.inherit) if one.member == change.role else one
                for one in self.memberships
            ]

    def _join(self, change: GrantMembership) -> None:
        """The row of whoever grants it now is written over; before 16 there is only one."""
        server = self.before.server
        rows = [
            one
            for one in self.memberships
            if (one.group, one.member) == (change.group, change.member)
        ]
        grantor, inherit, set_role = our_grantor(server), change.inherit, change.set_role
        if server.major >= OPTIONS_SINCE:
            rows = [one for one in rows if one.grantor == grantor]
        else:
            member = self.roles.get(change.member)
            inherit, set_role = member is None or member.attributes.inherit, True
        admin = change.admin or any(one.admin for one in rows)
        self.memberships = [one for one in self.memberships if one not in rows]
        self.memberships.append(
            ObservedMembership(change.group, change.member, grantor, admin, inherit, set_role)
        )

    def _leave(self, change: RevokeMembership) -> None:
        along = {(member, grantor) for member, grantor in change.along}
        has_grantors = self.before.server.major >= OPTIONS_SINCE
        kept = []
        for one in self.memberships:
            if one.group == change.group and (one.member, one.grantor) in along:
                continue
            is_it = (one.group, one.member) == (change.group, change.member)
            if not is_it or (has_grantors and one.grantor != change.grantor):
                kept.append(one)
            elif change.admin_only:
                kept.append(replace(one, admin=False))
        self.memberships = kept

    def _grant(self, change: GrantPrivileges, by: str = "") -> None:
        def turned(held: Held, acl: Acl) -> Acl:
            return given(
                acl,
                by or held.owner,
                change.grantees,
                change.privileges,
                option=change.grantable,
            )

        self._on_acls(change, turned)

    def _revoke(self, change: RevokePrivileges) -> None:
        """Of a whole table it goes from its columns, too."""
        if change.refusal:
            return
        grantees = frozenset(change.grantees)

        def turned(held: Held, acl: Acl) -> Acl:
            if change.cut is not None:
                return _cut(change, change.cut, held.owner, acl)
            return taken(
                acl,
                held.owner,
                change.grantor,
                grantees,
                change.privileges,
                option_only=change.grant_option_only,
            )

        self._on_acls(change, turned)
        if change.kind is COLUMNS.part_of:
            of_whole = [self._at(change.database, change.kind, ref.oid) for ref in change.objects]
            parts = [part for whole in of_whole if whole for part in self.columns.get(whole, ())]
            self._turn(parts, lambda h: h._replace(column_acl=turned(h, h.column_acl)))

    def _on_acls(self, change: OfObjects, turned: Callable[[Held, Acl], Acl]) -> None:
        """Of these objects, or of the columns that are named. Those follow their table's own."""
        wholes = []
        for ref in change.objects:
            place = self._at(change.database, change.kind, ref.oid)
            if place is not None:
                wholes.append(place)
        names = getattr(change, "columns", ())
        if names:
            parts = [self._column(whole, name) for whole in wholes for name in names]
            self._turn(parts, lambda h: h._replace(column_acl=turned(h, h.column_acl)))
            return
        self._turn(wholes, lambda h: h._replace(acl=turned(h, h.acl)))

    def _turn(self, places: Iterable[Place], turned: _Turn) -> None:
        """The same for what is the same, and for the columns of a table what it has itself."""
        done: dict[int, tuple[Held, Held]] = {}
        for place in places:
            held = self.held[place]
            if id(held) not in done:
                done[id(held)] = held, turned(held)
            self.held[place] = new = done[id(held)][1]
            for part in self.columns.get(place, ()):
                own = self.held[part]
                self.held[part] = own._replace(owner=new.owner, acl=new.acl)

    def _column(self, whole: Place, name: str) -> Place:
        part = whole._replace(kind=COLUMNS.kind, column=name)
        if part not in self.held:
            self.held[part] = self.held[whole]._replace(column_acl=())
            self.columns[whole] = (*self.columns.get(whole, ()), part)
        return part

    def _at(self, database: str | None, kind: ObjectKind, oid: int) -> Place | None:
        """Of a database itself, and of what was made or dropped meanwhile, the reading says it."""
        is_shared = KINDS[kind].scope in (Scope.SERVER, Scope.DATABASE)
        return self.before.at.get(("" if is_shared else database or "", KINDS[kind].at(oid)))

    def _default(self, change: GrantDefaults | RevokeDefaults) -> None:
        place = new_place(change.database, change.creator, change.schema, change.kind)
        held = self.held.get(place) or self.before.of(place)
        if isinstance(change, GrantDefaults):
            acl = given(held.acl, change.creator, (change.role,), change.privileges, option=False)
        else:
            acl = taken(
                held.acl,
                change.creator,
                change.creator,
                frozenset({change.role}),
                change.privileges,
                option_only=change.grant_option_only,
            )
        self.held[place] = held._replace(acl=acl)

    def _make(self, change: CreateOwned) -> None:
        words = PRIVILEGES_OF[change.kind]
        database = change.database
        by_default = self.held.get(new_place(database, change.owner, None, change.kind))
        acl = by_default.acl if by_default else ()
        acl = given(acl, change.owner, (change.owner,), words, option=False)
        if change.kind is DATABASES.kind:
            acl = given(acl, change.owner, (None,), OF_EVERYBODY, option=False)
        self.held[Place(database, change.kind, "", change.name)] = Held(change.owner, acl)

    def _own(self, change: SetOwner) -> None:
        place = self._at(change.database, change.kind, change.oid)
        if place is None:
            return
        self._move([place], change.former, change.owner)
        if change.keeps:
            held = self.held[place]
            kept = given(held.acl, change.owner, (change.former,), change.keeps, option=False)
            self.held[place] = held._replace(acl=kept)

    def _move(self, places: Sequence[Place], former: str, owner: str) -> None:
        """To another owner, with what was granted on columns."""
        self._turn(places, lambda h: h._replace(owner=owner, acl=owned_by(h.acl, former, owner)))
        for place in places:
            for part in self.columns.get(place, ()):
                held = self.held[part]
                moved = owned_by(held.column_acl, former, owner)
                self.held[part] = held._replace(column_acl=moved)

    def _hand_on(self, change: HandOnOwned) -> None:
        if change.refusal:
            return
        owned = [
            place
            for place, held in self.held.items()
            if held.owner == change.role and place.database in ("", change.database)
            if not (place.column or place.is_new)
        ]
        self._move(owned, change.role, change.to)

    def _drop(self, name: str) -> None:
        self.roles.pop(name, None)
        self.memberships = [
            one for one in self.memberships if name not in (one.group, one.member, one.grantor)
        ]
        self._turn(
            [place for place in self.held if not place.column],
            lambda held: held._replace(acl=without(held.acl, held.owner, name)),
        )


def _cut(change: RevokePrivileges, cut: Cut, owner: str, acl: Acl) -> Acl:
    """All that the grantor gave goes; of the owner's, all that the grantees gave on."""
    roles = change.grantees if change.grantor == owner else (change.grantor,)
    names, words = frozenset(roles), change.privileges
    acl = without_given_by(acl, owner, names, words)
    is_kept = cut is not Cut.NOTHING
    acl = taken(acl, owner, owner, names, words, option_only=is_kept)
    return given(acl, owner, roles, words, option=cut is Cut.OPTION) if is_kept else acl
