"""Which groups `memberOf` may name (rules 3 and 12). Pure.

A role of ours from the same namespace, one that is harmless, or one that `allow.memberOf` lists. A
resource of another namespace may name what the Regent's own namespace could, and its entry lists.
What is let in by a pattern, and by an entry in any way, is let in with all that it leads to: each
of that must be let in as well. By its exact name the Regent's editor has looked at a role.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from regent.reach import HARMLESS_BUILT_IN, SYSTEM_PREFIX
from regent.resolve.allow_lists import AllowLists
from regent.resolve.allowed import OURS, POWERFUL
from regent.resolve.chains import Chain
from regent.resolve.context import Context
from regent.resolve.situation import Situation
from shared.keys import ResourceKey
from shared.problems import nearest

RolesByNamespace = Mapping[str, Set[str]]
"""The PostgreSQL names of the roles that are had, by the namespace that declares them."""
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Refused:
    """Which `allow` does not let a group in, and for what: the last role of a chain from it.

    `attribute` is what this one has, and `code` what it may run with the rights of a strong owner.
    """

    lists: AllowLists
    chain: Chain
    attribute: str = ""
    code: str = ""

    @property
    def where(self) -> str:
        """The list that would have to name it."""
        return f"{self.lists.where}.{'attributes' if self.attribute else 'memberOf'}"

    @property
    def way(self) -> str:
        """`is a member of 'ops', which is a member of 'dba'`."""
        return ", which ".join(f"is a member of {one!r}" for one in self.chain[1:])


def refusing(
    situation: Situation, namespace: str, group: str, had: RolesByNamespace
) -> Refused | None:
    """Why a group is not let in, by the first `allow` that does not; None where all of them do.

    A pattern lets in no role that reaches everything, and nothing lets in PostgRegent's own.
    """
    roles = had.get(namespace, NOBODY)
    if group in roles:
        return None
    bounds = situation.bounds.of_namespace(namespace)
    if group in situation.standing.ours and group not in HARMLESS_BUILT_IN:
        return Refused(bounds[0], (group,))
    own = had.get(situation.bounds.own_namespace, NOBODY)
    found = (_refused_in(one, situation, group, own, roles) for one in bounds)
    return next((one for one in found if one is not None), None)


def _refused_in(
    lists: AllowLists, situation: Situation, group: str, own: Set[str], roles: Set[str]
) -> Refused | None:
    """By one of them. Whom the Regent lists by its exact name, it lists with what that leads to."""
    if not _lets_join(lists, situation, group, own):
        return Refused(lists, (group,))
    its_own = own | HARMLESS_BUILT_IN if lists.is_own else NOBODY
    if lists.is_own and (group in its_own or group in lists.member_of.names):
        return None
    chains = situation.chains
    for chain in chains.beyond(group):
        last = chain[-1]
        if last in roles or last in its_own or (last in HARMLESS_BUILT_IN and last != group):
            continue
        if not _lets_join(lists, situation, last, own):
            return Refused(lists, chain)
        for attribute in chains.attributes_of.get(last, ()):
            if attribute not in lists.attributes:
                return Refused(lists, chain, attribute)
        is_looked_at = last in lists.member_of.names or last in situation.marked.mine
        if not is_looked_at and (code := _code_of_the_strong(situation, last)):
            return Refused(lists, chain, code=code)
    return None


def _code_of_the_strong(situation: Situation, role: str) -> str:
    """What it was let run, which runs as a role that no pattern matches."""
    strong = situation.standing.powerful | situation.standing.ours
    found = (one for one in situation.server.definers.get(role, ()) if one.owner in strong)
    one = next(found, None)
    return "" if one is None else f"{one.what} with the rights of {one.owner!r}"


def _lets_join(lists: AllowLists, situation: Situation, group: str, own: Set[str]) -> bool:
    if lists.is_own and (group in own or group in HARMLESS_BUILT_IN):
        return True
    if group in situation.standing.powerful:
        return group in lists.member_of.names
    return lists.member_of.matches(group)


def may_join(
    context: Context, member: tuple[ResourceKey, str], group: str, had: RolesByNamespace
) -> bool:
    """Whether `memberOf` may name this group: ours of the same namespace, harmless, or allowed.

    `member` is the resource with its PostgreSQL name.
    """
    key, name = member
    refused = refusing(context.situation, key.namespace, group, had)
    if refused is None:
        return True
    is_there = group in context.situation.standing.reaches.groups_of.get(name, ())
    taken = f" {name!r} is a member now, and it is taken out of it." if is_there else ""
    if _is_nowhere(context.situation, group, had):
        why, way_out = "is no role on this server", _meant(context.situation, key, group, had)
    else:
        why, way_out = _why_not_joined(context.situation, refused, group)
    said = f"spec.memberOf: {group!r} {why}.{taken} {way_out}"
    context.findings.one_more(key, "NotAllowed", said)
    return False


def _is_nowhere(situation: Situation, group: str, had: RolesByNamespace) -> bool:
    """Neither there nor declared: an allow list would help nobody into it."""
    return group not in situation.server.roles and not any(group in own for own in had.values())


def _meant(situation: Situation, key: ResourceKey, group: str, had: RolesByNamespace) -> str:
    """The nearest of what the author may know: roles of the namespace, and PostgreSQL's own."""
    built_in = {name for name in situation.server.roles if name.startswith(SYSTEM_PREFIX)}
    near = nearest(group, built_in | had.get(key.namespace, NOBODY))
    return f"Did you mean {near}?" if near else "Correct the name, or take it out here."


def may_administer(context: Context, key: ResourceKey, group: str, had: RolesByNamespace) -> bool:
    """Whether a member may add and remove members: of another namespace, in its own roles alone.

    No list says ADMIN, and with it everybody could be let into a group.
    """
    namespace = key.namespace
    is_own = namespace == context.situation.bounds.own_namespace
    if is_own or group in had.get(namespace, NOBODY):
        return True
    context.findings.trouble(
        key,
        "NotAllowed",
        f"spec.memberOf: ADMIN in {group!r} is for roles of its own namespace; it is a member"
        " without. Take admin out here.",
    )
    return False


def _why_not_joined(situation: Situation, refused: Refused, group: str) -> tuple[str, str]:
    """Why nobody may join this group, and the way out."""
    lists, last = refused.lists, refused.chain[-1]
    if group in situation.standing.ours:
        return (
            f"is {OURS}: no declaration makes anybody a member",
            "Remove it here.",
        )
    led = f"{refused.way}, and {last!r} " if refused.way else ""
    if refused.attribute:
        return (
            f"{led}has {refused.attribute}, which whoever joins gets by SET ROLE",
            f"Add {refused.attribute} to {refused.where} of the Regent, or take it out here.",
        )
    add = f"Add {last}, by its exact name, to {refused.where} of the Regent, or take it out here."
    if refused.code:
        return f"{led}may run {refused.code}: no pattern of {refused.where} matches that", add
    if led:
        return f"{led}is not allowed", add
    if lists.member_of.matches(group):
        return (
            f"{POWERFUL}: no pattern of {lists.where}.memberOf matches it",
            f"Add its exact name to {lists.where}.memberOf of the Regent, or remove it here.",
        )
    return (
        "is neither a Role of this namespace nor allowed",
        f"Add it to {lists.where}.memberOf of the Regent, or take it out here.",
    )
