"""Memberships: a User in its Roles, and `memberOf` by PostgreSQL names (rule 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from regent.desired import DesiredMembership
from regent.resolve.claims import is_public
from regent.resolve.context import Claim, Context
from regent.resolve.decided import Decided
from regent.resolve.joining import RolesByNamespace, may_administer, may_join
from regent.resolve.kept import kept_names
from regent.resolve.renamings import former_names
from shared.keys import ResourceKey
from shared.resources import Membership


def desired_memberships(context: Context) -> tuple[DesiredMembership, ...]:
    """One membership per (group, member), by all who declare it."""
    found: dict[tuple[str, str], DesiredMembership] = {}
    own: dict[str, set[str]] = {}
    for key, claim in context.granted.items():
        own.setdefault(key.namespace, set()).add(claim.name)
    former, stays = former_names(context), kept_names(context)
    undecided = undecided_memberships(context)
    for key, claim in context.granted.items():
        names = own[key.namespace]
        groups = [
            _by_its_name(context, key, _kept_as(key, one, stays, names), former, names)
            for one in _decided(context, key, claim, undecided)
        ]
        for membership in (
            *_of_roles(context, key, claim),
            *_member_of(context, (key, claim.name), groups, own),
        ):
            pair = (membership.group, membership.member)
            found[pair] = _merged(found.get(pair), membership)
    return tuple(found.values())


def ended_memberships(context: Context) -> frozenset[tuple[str, str]]:
    """Access for a time that is over (rule 24), by the names in PostgreSQL."""
    found: set[tuple[str, str]] = set()
    for key, claim in context.granted.items():
        entry = context.listed.entries[key]
        if entry.kind != "User":
            continue
        for access in entry.spec.access:
            role = ResourceKey("Role", key.namespace, access.role)
            if access.until <= context.situation.now and role in context.granted:
                found.add((context.granted[role].name, claim.name))
    return frozenset(found)


def undecided_memberships(context: Context) -> frozenset[tuple[str, str]]:
    """Declared, in a Role that got no role: whoever is a member stays one."""
    decided = Decided.of(context)
    return frozenset(
        (group, claim.name)
        for key, claim in context.granted.items()
        for group in decided.stays_in(key, claim.name)
    )


def _decided(
    context: Context, key: ResourceKey, claim: Claim, undecided: Set[tuple[str, str]]
) -> Iterable[Membership]:
    """`memberOf` less the groups that are declared and got no role: whoever is in one stays."""
    for group in context.listed.entries[key].spec.member_of:
        if (group.role, claim.name) not in undecided:
            yield group
            continue
        context.findings.trouble(
            key,
            "RoleNotReady",
            f"spec.memberOf: {group.role!r} is declared and has no PostgreSQL role yet; the status"
            " of its resource says why. Who is a member stays one.",
        )


def _kept_as(
    key: ResourceKey, group: Membership, stays: Mapping[tuple[str, str], str], own: Set[str]
) -> Membership:
    """A group by the name that it keeps: its new one, which is written already, it did not get."""
    name = stays.get((key.namespace, group.role))
    return group if name is None or group.role in own else group.model_copy(update={"role": name})


def _by_its_name(
    context: Context,
    key: ResourceKey,
    group: Membership,
    former: Mapping[tuple[str, str], str],
    own: Set[str],
) -> Membership:
    """A group by the name that it has now: whoever wrote the former one stays a member."""
    name = former.get((key.namespace, group.role))
    if name is None or group.role in own:
        return group
    said = f"spec.memberOf: {group.role!r} is called {name!r} now; write the new name."
    context.findings.note(key, said)
    return group.model_copy(update={"role": name})


def _merged(earlier: DesiredMembership | None, later: DesiredMembership) -> DesiredMembership:
    """Two declarations of one membership give what either gives (rule 16)."""
    if earlier is None:
        return later
    return DesiredMembership(
        group=later.group,
        member=later.member,
        admin=earlier.admin or later.admin,
        inherit=earlier.inherit or later.inherit,
        set_role=earlier.set_role or later.set_role,
        declared_by=(*earlier.declared_by, *later.declared_by),
    )


def _of_roles(context: Context, key: ResourceKey, claim: Claim) -> list[DesiredMembership]:
    memberships = []
    for role in context.listed.roles.get(key, ()):
        group = context.granted.get(role)
        if group is None and is_public(context.listed.entries[role]):
            context.findings.trouble(
                key,
                "Unsupported",
                f"spec.roles: Role {role.name!r} speaks for PUBLIC (public: true) and makes no"
                " role, so nobody is a member of it; what it lists everybody has. Take it out"
                " of the list.",
            )
        elif group is None:
            context.findings.trouble(
                key,
                "RoleNotReady",
                f"Role {role.name!r} has no role in PostgreSQL; its own status says why.",
            )
        elif group.name != claim.name:
            memberships.append(DesiredMembership(group.name, claim.name, declared_by=(key, role)))
    return memberships


def _member_of(
    context: Context,
    member: tuple[ResourceKey, str],
    groups: Iterable[Membership],
    had: RolesByNamespace,
) -> list[DesiredMembership]:
    """`member` is the resource with its PostgreSQL name; `had` are all roles, by namespace."""
    key, name = member
    own = had[key.namespace]
    memberships = []
    for group in groups:
        if not may_join(context, member, group.role, had):
            continue
        if group.role not in own and group.role not in context.situation.server.roles:
            context.findings.trouble(
                key,
                "RoleNotFound",
                f"spec.memberOf: there is no role {group.role!r} on this server."
                " Create it, or take it out of the list.",
            )
            continue
        memberships.append(
            DesiredMembership(
                group=group.role,
                member=name,
                admin=bool(group.admin) and may_administer(context, key, group.role, had),
                inherit=group.inherit is not False,
                set_role=group.may_set,
                declared_by=(key,),
            )
        )
    return memberships
