"""Which power may be declared, and on whose objects nobody runs code without it. Pure.

The queries of a foreign key run as the owner of the table that they look at, and cast its values by
whatever its maker wrote; what a trigger does when a key cascades runs as the owner of its table. So
who has REFERENCES or TRIGGER on a table is soon its owner, and has the powers of that (ADR 48). A
routine with SECURITY DEFINER says itself that it runs as its owner (ADR 68).
"""

from __future__ import annotations

from collections.abc import Collection

from regent.desired import OwnersCode
from regent.kinds import KINDS
from regent.reach import ALTER_SYSTEM, ON_FILES, ON_PARAMETER, POWERFUL_ATTRIBUTES
from regent.resolve.allowed import attribute_refused_by, parameter_refused_by, refused_by
from regent.resolve.context import Context
from regent.resolve.joining import refusing
from regent.resolve.situation import Situation

AS_OWNER = frozenset[str]().union(*(row.as_owner for row in KINDS.values()))
"""Privileges with which one has code run as the owner."""


def power_refused_by(situation: Situation, namespace: str, power: str) -> str:
    """The field of the `allow` that does not let it be reached; empty where all do."""
    if power in POWERFUL_ATTRIBUTES:
        return attribute_refused_by(situation, namespace, power)
    if power.startswith(ON_FILES):
        return "no list"
    privilege, is_on_parameter, parameter = power.partition(ON_PARAMETER)
    if not is_on_parameter:
        refused = refusing(situation, namespace, power, {})
        return "" if refused is None else refused.lists.where
    where = ""
    if privilege == ALTER_SYSTEM:
        where = refused_by(situation, namespace, lambda one: ALTER_SYSTEM in (one.actions or ()))
    return where or parameter_refused_by(situation, namespace, parameter)


class OwnersOfPower:
    """Whose tables they are not given on, by the namespace of the declaration; reckoned once."""

    def __init__(self, context: Context) -> None:
        self._situation = context.situation
        self._new_names = {
            claim.observed_name: claim.name
            for claim in context.granted.values()
            if claim.observed_name is not None
        }
        self._owners: dict[str, frozenset[str]] = {}

    def bound(
        self, namespace: str, privileges: frozenset[str], actions: Collection[str]
    ) -> OwnersCode | None:
        """What of these privileges is not given everywhere; None where all of them are."""
        where = unlisted = ""
        found = set()
        for one in sorted(privileges & AS_OWNER):
            if unlisted := _action_refused_by(self._situation, namespace, one):
                where = unlisted
                found.add(one)
        if not found:
            return None
        if namespace not in self._owners:
            self._owners[namespace] = self._of(namespace)
        owners = self._owners[namespace]
        if not owners:
            return None
        return OwnersCode(frozenset(found), owners, frozenset(found.intersection(actions)), where)

    def _of(self, namespace: str) -> frozenset[str]:
        """Who may be given SUPERUSER needs no such way; else PostgRegent's own are among them."""
        situation = self._situation
        if not attribute_refused_by(situation, namespace, "superuser"):
            return frozenset()
        standing = situation.standing
        powers = frozenset[str]().union(*standing.powers.values())
        refused = {one for one in powers if power_refused_by(situation, namespace, one)}
        strong = (name for name, has in standing.powers.items() if has & refused)
        owners = standing.ours.union(strong)
        renamed = (new for former, new in self._new_names.items() if former in owners)
        return owners.union(renamed)


def _action_refused_by(situation: Situation, namespace: str, action: str) -> str:
    """The `allow` without this action by name: ALL does not stand for it, nor does no list."""
    return refused_by(situation, namespace, lambda lists: action in (lists.actions or ()))
