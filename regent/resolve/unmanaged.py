"""Which roles nobody declares, and what keeps Disable from disabling them now (rule 11). Pure.

A name that a resource declares is declared, though the resource is refused, held or waiting: its
role is for the person who wrote it to settle. Of what is held for the first time not even the name
is known, so then nobody is disabled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from regent.desired import Desired, Strangers
from regent.resolve.situation import Situation
from regent.unmanaged.who import Claimed, Unmanaged, unmanaged_roles
from shared.keys import ResourceKey
from shared.listing import first_of
from shared.patterns import matcher
from shared.resources.regent import UnmanagedRoles

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Found:
    """The roles, what the Regent says about them, and why Disable disables nobody now."""

    policy: UnmanagedRoles = "Ignore"
    roles: tuple[Unmanaged, ...] = ()
    waits: str = ""
    enabling: Strangers = frozenset()
    """Those that get the LOGIN back that was taken from them."""

    @property
    def disabling(self) -> Strangers:
        """Those that shall not log in."""
        if self.policy != "Disable" or self.waits:
            return frozenset()
        return frozenset((role.name, role.oid) for role in self.roles if not role.spared)


NOBODY = Found()


def found_unmanaged(situation: Situation, desired: Desired) -> Found:
    """All that nobody declares; nothing where the Regent does not ask, and disabled none."""
    policy = situation.spec.unmanaged_roles or "Ignore"
    noticed = {one.role_oid: one for one in situation.census.noticed}
    if policy == "Ignore" and not any(one.disabled_at for one in noticed.values()):
        return NOBODY
    claimed = Claimed(
        names=frozenset(_claimed(situation, desired)),
        left=frozenset(_left(situation)),
        is_ignored=matcher(desired.ignore_roles),
    )
    roles = unmanaged_roles(situation.server, situation.standing, claimed, noticed)
    waits = _why_it_waits(situation) if policy == "Disable" else ""
    return Found(policy, roles, waits, frozenset(_enabling(situation, desired, policy, claimed)))


def _enabling(
    situation: Situation, desired: Desired, policy: UnmanagedRoles, claimed: Claimed
) -> Iterator[tuple[str, int]]:
    """Whom the Regent does not disable any more. Of a managed role its declaration decides.

    A resource that is refused gives nothing back: whoever may write one must not undo Disable.
    """
    managed = desired.managed | situation.marked.foreign
    for one in situation.census.noticed:
        name = situation.marked.names.get(one.role_oid)
        if one.disabled_at is None or name is None or name in managed:
            continue
        if policy != "Disable" or claimed.is_ignored(name):
            yield name, one.role_oid


def _claimed(situation: Situation, desired: Desired) -> Iterator[str]:
    """Names that are declared here, or managed by any Regent of the server."""
    yield from desired.managed
    yield from (ending.name for ending in desired.endings)
    yield from situation.census.doubtful
    accepted = situation.accepted
    for entries in (accepted.state.resources, accepted.before):
        for key, entry in entries.items():
            if entry.kind != "Permission":
                yield entry.spec.postgres_name(ResourceKey.parse(key).name)
                if entry.spec.renamed_from is not None:
                    yield entry.spec.renamed_from
    for mark in situation.marks:
        if not mark.released:
            yield mark.role
            yield from filter(None, (situation.marked.observed_name(mark),))


def _left(situation: Situation) -> Iterator[str]:
    """Released, and still the same role: another one of its name is nobody's."""
    for mark in situation.marks:
        name = situation.marked.observed_name(mark)
        if mark.released and name is not None and not situation.marked.is_remade(mark):
            yield name


def _why_it_waits(situation: Situation) -> str:
    state = situation.accepted.state
    unknown = sorted(
        key
        for key in state.held
        if key not in state.resources and not key.startswith("Permission/")
    )
    if not unknown:
        return ""
    return (
        f"Nobody is disabled while it is not known which roles these declare: "
        f"{first_of(unknown, SHOWN)}. Correct or delete them."
    )
