"""Which groups `memberOf` may name (rules 3 and 12). Pure.

A role of ours from the same namespace, one that is harmless, or one that `allow.memberOf` lists. A
resource of another namespace may name what the Regent's own namespace could, and its entry lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from regent.reach import HARMLESS_BUILT_IN
from regent.resolve.allow_lists import AllowLists
from regent.resolve.allowed import OURS, POWERFUL
from regent.resolve.context import Context
from regent.resolve.situation import Situation
from shared.keys import ResourceKey

RolesByNamespace = Mapping[str, Set[str]]
"""The PostgreSQL names of the roles that are had, by the namespace that declares them."""
NOBODY: frozenset[str] = frozenset()


def refusing(
    situation: Situation, namespace: str, group: str, had: RolesByNamespace
) -> AllowLists | None:
    """The first `allow` that does not let the group in; None where all of them do.

    A pattern lets in no role that reaches everything, and nothing lets in PostgRegent's own.
    """
    if group in had.get(namespace, NOBODY):
        return None
    bounds = situation.bounds.of_namespace(namespace)
    if group in situation.standing.ours and group not in HARMLESS_BUILT_IN:
        return bounds[0]
    own = had.get(situation.bounds.own_namespace, NOBODY)
    return next((one for one in bounds if not _lets_join(one, situation, group, own)), None)


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
    lists = refusing(context.situation, key.namespace, group, had)
    if lists is None:
        return True
    is_there = group in context.situation.standing.reaches.groups_of.get(name, ())
    taken = f" {name!r} is a member now, and it is taken out of it." if is_there else ""
    why, way_out = _why_not_joined(context.situation, lists, group)
    context.findings.trouble(key, "NotAllowed", f"spec.memberOf: {group!r} {why}.{taken} {way_out}")
    return False


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


def _why_not_joined(situation: Situation, lists: AllowLists, group: str) -> tuple[str, str]:
    """Why nobody may join this group, and the way out."""
    if group in situation.standing.ours:
        return (
            f"is {OURS}: no declaration makes anybody a member",
            "Remove it here.",
        )
    if lists.member_of.matches(group):
        return (
            f"{POWERFUL}: no pattern of {lists.where}.memberOf matches it",
            f"Add its exact name to {lists.where}.memberOf of the Regent, or remove it here.",
        )
    return (
        "is neither a Role of this namespace nor allowed",
        f"Add it to {lists.where}.memberOf of the Regent, or take it out here.",
    )
