"""Who is a member of what, with which options, and by whose grant (rules 6, 8, 9).

From 16 on each grantor has a row of its own: a row that is spurious is revoked as its grantor, and
whoever depends on the ADMIN option that goes is served before by a row of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from regent.changes import Effect, GrantMembership, MembershipChange, RevokeMembership
from regent.desired import Causes, Desired, DesiredMembership
from regent.observed import ObservedServer
from regent.plan.authority import Authority
from regent.plan.grantors import Kept, Row, along, irreplaceable, leaves_first, orphans
from regent.plan.turned import making_room
from shared.memberships import OPTIONS_SINCE

Pair = tuple[str, str]
BOOTSTRAP_OID = 10


@dataclass(frozen=True, slots=True)
class _Context:
    desired: Desired
    authority: Authority
    members: dict[str, dict[str, DesiredMembership]]
    has_options: bool
    our_grantor: str
    as_whom: frozenset[str] | None
    """The grantors as whom the admin may revoke; None: as all of them."""

    def is_ours(self, group: str, member: str) -> bool:
        """In our authority: by the group, else by the member (rules 6, 9)."""
        if group in self.desired.foreign or self.authority.is_untouchable(member):
            return False
        if (group, member) in self.desired.undecided:
            return False
        return group in self.authority.managed or member in self.authority.managed

    def shall(self, edge: Pair) -> DesiredMembership | None:
        """What is declared of a membership."""
        return self.members.get(edge[0], {}).get(edge[1])

    def options(self, edge: Pair) -> tuple[bool, bool, bool]:
        """ADMIN, INHERIT, SET as declared; all False where nothing is."""
        shall = self.shall(edge)
        if shall is None:
            return False, False, False
        return shall.admin, shall.inherit, shall.set_role


def plan_memberships(
    desired: Desired, server: ObservedServer, authority: Authority
) -> Iterator[MembershipChange]:
    """What to grant and to revoke, so that exactly what is declared holds."""
    has_options = server.major >= OPTIONS_SINCE
    members: dict[str, dict[str, DesiredMembership]] = {}
    for shall in desired.memberships:
        members.setdefault(shall.group, {})[shall.member] = shall
    by_group: dict[str, list[Row]] = {group: [] for group in members}
    # A superuser revokes as everybody, others as whose rights they inherit.
    as_whom = None if server.admin_is_superuser else authority.inherited.by(server.admin)
    context = _Context(desired, authority, members, has_options, our_grantor(server), as_whom)
    for row in server.memberships:
        if row.member not in authority.known:  # left by a role that is gone
            continue
        by_group.setdefault(row.group, []).append(row)
    changes = [
        change
        for group, rows in sorted(by_group.items())
        if not _is_settled(rows, members.get(group, {}), context)
        for change in _plan_group(group, rows, context)
    ]
    yield from making_room(changes, server)


def our_grantor(server: ObservedServer) -> str:
    """Whom the server writes down as grantor when we grant: for superusers the first role of all.

    https://www.postgresql.org/docs/16/sql-grant.html, GRANTED BY.
    """
    if not server.admin_is_superuser:
        return server.admin
    first = (role.name for role in server.roles.values() if role.oid == BOOTSTRAP_OID)
    return next(first, server.admin)


def _is_settled(rows: list[Row], members: dict[str, DesiredMembership], context: _Context) -> bool:
    """The common case, found fast: one row for each declared member, with its options."""
    fitting: set[str] = set()
    for row in rows:
        shall = members.get(row.member)
        if shall is None:
            if context.authority.is_untouchable(row.member):
                continue
            return False
        same_options = not context.has_options or (
            row.inherit == shall.inherit and row.set_role == shall.set_role
        )
        if row.member in fitting or row.admin != shall.admin or not same_options:
            return False
        fitting.add(row.member)
    return len(fitting) == len(members)


def _plan_group(group: str, rows: list[Row], context: _Context) -> Iterator[MembershipChange]:
    kept = {id(row): _kept(row, context) for row in rows}
    fallen: list[Row] = []
    members = context.members.get(group, {})
    admins = {name for name, shall in members.items() if shall.admin}
    if context.as_whom is not None:
        # Who is not ours gets the option from us, and what hangs on it is nobody's to revoke.
        admins |= {r.member for r in rows if r.admin and not context.is_ours(group, r.member)}
    if context.has_options:
        # What cannot be given by another one stays, and the server refuses what it hangs on.
        admins |= irreplaceable(rows, context.our_grantor, context.as_whom)
        fallen = orphans(rows, kept, admins)
    for row in fallen:
        kept[id(row)] = None
    by_member: dict[str, list[Row]] = {}
    for row in rows:
        by_member.setdefault(row.member, []).append(row)
    for edge in _edges(group, fallen, context):
        yield from _grant(edge, by_member.get(edge[1], []), kept, context)
    going = [row for row in rows if kept[id(row)] is not row]
    if not going:
        return
    others: Mapping[int, Sequence[Row]] = {}
    if context.has_options and context.as_whom is not None:
        others = along(rows, going, kept, admins, context.as_whom)
    covered = {id(row) for fallen in others.values() for row in fallen}
    for row in leaves_first(rows, going):
        if id(row) not in covered:
            yield from _revoke(row, kept[id(row)], others.get(id(row), ()), context)


def _kept(row: Row, context: _Context) -> Row | None:
    """What may stay of a row: nothing, all, or all but ADMIN. Options of ours are set in place."""
    edge = (row.group, row.member)
    if not context.is_ours(*edge):
        return row
    if context.shall(edge) is None:
        return None
    admin, inherit, set_role = context.options(edge)
    if not context.has_options:
        return replace(row, admin=row.admin and admin)
    if row.grantor == context.our_grantor:
        return replace(
            row,
            admin=row.admin and admin,
            inherit=row.inherit and inherit,
            set_role=row.set_role and set_role,
        )
    if (row.inherit and not inherit) or (row.set_role and not set_role):
        return None
    return replace(row, admin=row.admin and admin)


def _edges(group: str, fallen: list[Row], context: _Context) -> Iterator[Pair]:
    """What is declared for this group, and what others had through a grantor who goes."""
    declared = {(group, member) for member in context.members.get(group, ())}
    yield from sorted(declared)
    theirs = {(r.group, r.member) for r in fallen if not context.is_ours(r.group, r.member)}
    yield from sorted(theirs - declared)


def _grant(edge: Pair, here: list[Row], kept: Kept, context: _Context) -> Iterator[GrantMembership]:
    """What is given; `here` are the rows of this member."""
    group, member = edge
    staying = [k for row in here if (k := kept[id(row)]) is not None]
    if context.is_ours(*edge):
        shall = context.options(edge)
    elif context.shall(edge) is not None or not here:
        return
    else:
        shall = _union(here, context)
    falls = [row for row in here if kept[id(row)] is None]
    instead_of = frozenset(() if context.is_ours(*edge) else (row.grantor for row in falls))
    narrows = any(_is_narrowed(row, kept[id(row)]) for row in here)
    if staying and _union(staying, context) == _compared(shall, context) and not narrows:
        return
    admin, inherit, set_role = shall
    yield GrantMembership(
        group,
        member,
        admin,
        inherit,
        set_role,
        _causes(edge, context) or context.authority.causes_of(*instead_of),
        Effect.NARROW if narrows else Effect.WIDEN,
        instead_of,
    )


def _is_narrowed(row: Row, kept: Row | None) -> bool:
    """Set in place, by a GRANT of fewer options."""
    return kept is not None and (row.inherit, row.set_role) != (kept.inherit, kept.set_role)


def _union(rows: Iterable[Row], context: _Context) -> tuple[bool, bool, bool]:
    rows = list(rows)
    together = (
        any(row.admin for row in rows),
        any(row.inherit for row in rows),
        any(row.set_role for row in rows),
    )
    return _compared(together, context)


def _compared(options: tuple[bool, bool, bool], context: _Context) -> tuple[bool, bool, bool]:
    """Before 16 only ADMIN is an option of the membership."""
    return options if context.has_options else (options[0], True, True)


def _revoke(
    row: Row, kept: Row | None, others: Sequence[Row], context: _Context
) -> Iterator[RevokeMembership]:
    """Of one row, and of the `others` that can only go along with it."""
    if kept is not None and (kept.admin or not row.admin):
        return
    causes = {key for one in (row, *others) for key in _causes((one.group, one.member), context)}
    yield RevokeMembership(
        row.group,
        row.member,
        row.grantor,
        admin_only=kept is not None,
        along=tuple((one.member, one.grantor) for one in others),
        causes=tuple(sorted(causes)) if others else _causes((row.group, row.member), context),
    )


def _causes(edge: Pair, context: _Context) -> Causes:
    shall = context.shall(edge)
    if shall is not None and shall.declared_by:
        return shall.declared_by
    return context.authority.causes_of(*edge)
