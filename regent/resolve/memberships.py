"""Memberships: a User in its Roles, and `memberOf` by PostgreSQL names (rule 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from regent.desired import DesiredMembership
from regent.resolve.allowed import may_join
from regent.resolve.claims import Claim
from regent.resolve.references import Listed
from regent.resolve.renamings import edges_kept
from regent.resolve.situation import Findings, Situation
from shared.keys import ResourceKey
from shared.resources import Membership


def desired_memberships(
    situation: Situation,
    listed: Listed,
    granted: Mapping[ResourceKey, Claim],
    findings: Findings,
) -> tuple[DesiredMembership, ...]:
    """One membership per (group, member), by all who declare it."""
    found: dict[tuple[str, str], DesiredMembership] = {}
    own: dict[str, set[str]] = {}
    for key, claim in granted.items():
        own.setdefault(key.namespace, set()).add(claim.name)
    former = _former_names(listed, granted)
    undecided = undecided_memberships(situation, listed, granted)
    for key, claim in granted.items():
        names = own[key.namespace]
        groups = [
            _by_its_name(key, one, former, names, findings)
            for one in _decided(key, claim, listed, undecided, findings)
        ]
        for membership in (
            *_of_roles(key, claim, listed, granted, findings),
            *_member_of(situation, (key, claim.name), groups, names, findings),
        ):
            pair = (membership.group, membership.member)
            found[pair] = _merged(found.get(pair), membership)
    return tuple(found.values())


def ended_memberships(
    situation: Situation, listed: Listed, granted: Mapping[ResourceKey, Claim]
) -> frozenset[tuple[str, str]]:
    """Access for a time that is over (rule 24), by the names in PostgreSQL."""
    found: set[tuple[str, str]] = set()
    for key, claim in granted.items():
        entry = listed.entries[key]
        if entry.kind != "User":
            continue
        for access in entry.spec.access:
            role = ResourceKey("Role", key.namespace, access.role)
            if access.until <= situation.now and role in granted:
                found.add((granted[role].name, claim.name))
    return frozenset(found)


def undecided_memberships(
    situation: Situation, listed: Listed, granted: Mapping[ResourceKey, Claim]
) -> frozenset[tuple[str, str]]:
    """Declared, in a Role that got no role: whoever is a member stays one.

    A mark that was lost makes a Role ExistsUnmanaged, and so does a new name that somebody else's
    role has; that must take nobody's access away. A name that another resource holds is that one's
    business.
    """
    lacking = [
        (role, listed.entries[role], claim.name)
        for key, claim in granted.items()
        for role in listed.roles.get(key, ())
        if role not in granted and role in listed.entries
    ]
    ungranted = _ungranted(situation, listed, granted)
    if not lacking and not ungranted:
        return frozenset()
    names = {claim.name for claim in granted.values()}
    former = {mark.holder: mark.role for mark in situation.own_marks().values()}
    found: set[tuple[str, str]] = set()
    for role, entry, member in lacking:
        declared = entry.spec.postgres_name(role.name)
        found |= {(declared, member), (former.get(role, declared), member)}
    for key, claim in granted.items():
        groups = (one.role for one in listed.entries[key].spec.member_of)
        found |= {(g, claim.name) for g in groups if (key.namespace, g) in ungranted}
    kept = {edge for one in lacking for edge in edges_kept(situation, *one)}
    return frozenset(edge for edge in found if edge[0] not in names) | kept


def _ungranted(
    situation: Situation, listed: Listed, granted: Mapping[ResourceKey, Claim]
) -> frozenset[tuple[str, str]]:
    """Roles that are declared and got no role, by namespace, with the names that they go by."""
    lacking = [key for key in listed.entries if key not in granted]
    if not lacking:
        return frozenset()
    marks: dict[ResourceKey, list[str]] = {}
    for mark in situation.own_marks().values():
        marks.setdefault(mark.holder, []).append(mark.role)
    return frozenset(
        (key.namespace, name)
        for key in lacking
        for name in (listed.entries[key].spec.postgres_name(key.name), *marks.get(key, ()))
    )


def _former_names(
    listed: Listed, granted: Mapping[ResourceKey, Claim]
) -> Mapping[tuple[str, str], str]:
    """What the roles that took another's place are called, by namespace and `renamedFrom`."""
    return {
        (key.namespace, former): claim.name
        for key, claim in granted.items()
        if (former := listed.entries[key].spec.renamed_from) and claim.mark is not None
    }


def _decided(
    key: ResourceKey,
    claim: Claim,
    listed: Listed,
    undecided: Set[tuple[str, str]],
    findings: Findings,
) -> Iterable[Membership]:
    """`memberOf` less the groups that are declared and got no role: whoever is in one stays."""
    for group in listed.entries[key].spec.member_of:
        if (group.role, claim.name) not in undecided:
            yield group
            continue
        findings.trouble(
            key,
            "RoleNotReady",
            f"spec.memberOf: {group.role!r} is declared and has no PostgreSQL role yet; the status"
            " of its resource says why. Who is a member stays one.",
        )


def _by_its_name(
    key: ResourceKey,
    group: Membership,
    former: Mapping[tuple[str, str], str],
    own: Set[str],
    findings: Findings,
) -> Membership:
    """A group by the name that it has now: whoever wrote the former one stays a member."""
    name = former.get((key.namespace, group.role))
    if name is None or group.role in own:
        return group
    said = f"spec.memberOf: {group.role!r} is called {name!r} now; write the new name."
    findings.note(key, said)
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


def _of_roles(
    key: ResourceKey,
    claim: Claim,
    listed: Listed,
    granted: Mapping[ResourceKey, Claim],
    findings: Findings,
) -> list[DesiredMembership]:
    memberships = []
    for role in listed.roles.get(key, ()):
        group = granted.get(role)
        if group is None:
            findings.trouble(
                key,
                "RoleNotReady",
                f"Role {role.name!r} has no role in PostgreSQL; its own status says why.",
            )
        elif group.name != claim.name:
            memberships.append(DesiredMembership(group.name, claim.name, declared_by=(key, role)))
    return memberships


def _member_of(
    situation: Situation,
    member: tuple[ResourceKey, str],
    groups: Iterable[Membership],
    own: Set[str],
    findings: Findings,
) -> list[DesiredMembership]:
    """`member` is the resource with its PostgreSQL name; `own` are all roles of its namespace."""
    key, name = member
    memberships = []
    for group in groups:
        if not may_join(situation, member, group.role, own, findings):
            continue
        if group.role not in own and group.role not in situation.server.roles:
            findings.trouble(
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
                admin=bool(group.admin),
                inherit=group.inherit is not False,
                set_role=group.set is not False,
                declared_by=(key,),
            )
        )
    return memberships
