"""Who is a member of what, with which options, and by whose grant (rules 6, 8, 9).

From 16 on each grantor has a row of its own: a row that is spurious is revoked as its grantor, and
whoever depends on the ADMIN option that goes is served before by a row of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from regent.changes import Effect, GrantMembership, RevokeMembership
from regent.desired import Causes, Desired, DesiredMembership
from regent.observed import ObservedMembership, ObservedServer
from regent.plan.authority import Authority

Edge = tuple[str, str]
Row = ObservedMembership
MembershipChange = GrantMembership | RevokeMembership
BOOTSTRAP_OID = 10
ROWS_OF_GRANTORS_SINCE = 16


@dataclass(frozen=True, slots=True)
class _Context:
    desired: Desired
    authority: Authority
    members: dict[str, dict[str, DesiredMembership]]
    has_options: bool
    our_grantor: str

    def is_ours(self, group: str, member: str) -> bool:
        """In our authority: by the group, else by the member (rules 6, 9)."""
        if group in self.desired.foreign or self.authority.is_untouchable(member):
            return False
        if (group, member) in self.desired.undecided:
            return False
        return group in self.authority.managed or member in self.authority.managed

    def shall(self, edge: Edge) -> DesiredMembership | None:
        """What is declared of a membership."""
        return self.members.get(edge[0], {}).get(edge[1])

    def options(self, edge: Edge) -> tuple[bool, bool, bool]:
        """ADMIN, INHERIT, SET as declared; all False where nothing is."""
        shall = self.shall(edge)
        if shall is None:
            return False, False, False
        return shall.admin, shall.inherit, shall.set_role


def plan_memberships(
    desired: Desired, server: ObservedServer, authority: Authority
) -> Iterator[MembershipChange]:
    """What to grant and to revoke, so that exactly what is declared holds."""
    has_options = server.major >= ROWS_OF_GRANTORS_SINCE
    members: dict[str, dict[str, DesiredMembership]] = {}
    for shall in desired.memberships:
        members.setdefault(shall.group, {})[shall.member] = shall
    by_group: dict[str, list[Row]] = {group: [] for group in members}
    context = _Context(desired, authority, members, has_options, _our_grantor(server))
    for row in server.memberships:
        if row.member not in authority.known:  # left by a role that is gone
            continue
        by_group.setdefault(row.group, []).append(row)
    for group, rows in sorted(by_group.items()):
        if not _is_settled(rows, members.get(group, {}), context):
            yield from _plan_group(group, rows, context)


def _our_grantor(server: ObservedServer) -> str:
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
    orphans = _orphans(group, rows, kept, context) if context.has_options else []
    for row in orphans:
        kept[id(row)] = None
    for edge in _edges(group, orphans, context):
        yield from _grant(edge, rows, kept, context)
    for row in _leaves_first(rows):
        yield from _revoke(row, kept[id(row)], context)


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


def _orphans(
    group: str, rows: list[Row], kept: dict[int, Row | None], context: _Context
) -> list[Row]:
    """Rows whose grantor loses the ADMIN option by which it gave them, and theirs in turn."""
    had = {row.member for row in rows if row.admin}
    declared = {m for m, shall in context.members.get(group, {}).items() if shall.admin}
    found: list[Row] = []
    while True:
        has = declared.union(k.member for k in kept.values() if k is not None and k.admin)
        new = [row for row in rows if row.grantor in had - has and row not in found]
        if not new:
            return found
        kept.update({id(row): None for row in new})
        found += new


def _edges(group: str, orphans: list[Row], context: _Context) -> Iterator[Edge]:
    """What is declared for this group, and what others had through a grantor who goes."""
    declared = {(group, member) for member in context.members.get(group, ())}
    yield from sorted(declared)
    theirs = {(r.group, r.member) for r in orphans if not context.is_ours(r.group, r.member)}
    yield from sorted(theirs - declared)


def _grant(
    edge: Edge, rows: list[Row], kept: dict[int, Row | None], context: _Context
) -> Iterator[GrantMembership]:
    group, member = edge
    here = [row for row in rows if row.member == member]
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


def _revoke(row: Row, kept: Row | None, context: _Context) -> Iterator[RevokeMembership]:
    causes = _causes((row.group, row.member), context)
    if kept is None:
        yield RevokeMembership(row.group, row.member, row.grantor, causes=causes)
    elif row.admin and not kept.admin:
        yield RevokeMembership(row.group, row.member, row.grantor, admin_only=True, causes=causes)


def _leaves_first(rows: list[Row]) -> list[Row]:
    """Rows before the rows of their grantors: without CASCADE the server wants it so."""
    grantors: dict[str, set[str]] = {}
    for row in rows:
        grantors.setdefault(row.member, set()).add(row.grantor)

    def depth(member: str, above: frozenset[str] = frozenset()) -> int:
        further = grantors.get(member, set()) - above - {member}
        return 1 + max((depth(g, above | {member}) for g in further), default=0)

    return sorted(rows, key=lambda row: (-depth(row.grantor), row.member, row.grantor))


def _causes(edge: Edge, context: _Context) -> Causes:
    shall = context.shall(edge)
    if shall is not None and shall.declared_by:
        return shall.declared_by
    return context.authority.causes_of(*edge)
