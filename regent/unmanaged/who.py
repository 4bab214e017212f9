"""Who may log in undeclared, what he may, and why Disable spares him (rule 11). Pure.

What spares a role is what the role cannot bring about by itself: attributes and grants that only
somebody with power gives. A name, a NOTIFY, or a subscription that is not enabled spare nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from regent.observed import ObservedRole, ObservedServer
from regent.reach import POWERFUL_ATTRIBUTES, SYSTEM_PREFIX, Reaches
from regent.remembered import Noticed
from regent.standing import Standing
from regent.unmanaged.families import family_roles
from shared.names import OWNER_ROLE

ADMINISTERS = frozenset({"superuser", "createrole"})
"""Who reaches one of these administers the server."""


REPLICATES_ON_RDS = "rds_replication"
"""There it is a membership that lets a role replicate, and only the provider's admins give it."""


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """A role that may log in, or could until it was disabled, and that nobody declares.

    `may` are the powers that it has or reaches. `spared` says why Disable leaves it alone; empty
    where it does not. `noticed` is what is remembered of it.
    """

    name: str
    oid: int
    may_log_in: bool
    may: tuple[str, ...] = ()
    spared: str = ""
    noticed: Noticed | None = None

    @property
    def is_disabled(self) -> bool:
        """True if Disable took its LOGIN."""
        return self.noticed is not None and self.noticed.disabled_at is not None


@dataclass(frozen=True, slots=True)
class Claimed:
    """Whose roles somebody answers for: by name, as the catalog has them.

    `names` are declared, or managed by a Regent of this server. `left` were managed by one, which
    left them as they were.
    """

    names: frozenset[str]
    left: frozenset[str]
    is_ignored: Callable[[str], bool]


def unmanaged_roles(
    server: ObservedServer, standing: Standing, claimed: Claimed, noticed: Mapping[int, Noticed]
) -> tuple[Unmanaged, ...]:
    """All of them, by name. `noticed` is what is remembered, by oid."""
    families = family_roles(server.roles)
    return tuple(
        Unmanaged(
            name=role.name,
            oid=role.oid,
            may_log_in=role.login,
            may=_powers(standing.powers.get(role.name, frozenset())),
            spared=_why_spared(role, server, claimed, families, standing.reaches)
            or _why_spared_now(role, server, standing, noticed.get(role.oid)),
            noticed=noticed.get(role.oid),
        )
        for role in sorted(_candidates(server, noticed), key=lambda role: role.name)
        if not _is_claimed(role.name, standing, claimed)
    )


def _candidates(server: ObservedServer, noticed: Mapping[int, Noticed]) -> Iterator[ObservedRole]:
    for role in server.roles.values():
        known = noticed.get(role.oid)
        if role.login or (known is not None and known.disabled_at is not None):
            yield role


def _is_claimed(name: str, standing: Standing, claimed: Claimed) -> bool:
    return (
        name in claimed.names
        or name in standing.admins
        or name == OWNER_ROLE
        or name.startswith(SYSTEM_PREFIX)
        or claimed.is_ignored(name)
    )


def _powers(reached: frozenset[str]) -> tuple[str, ...]:
    """Attributes first, as CREATE ROLE writes them; then groups."""
    attributes = [one.upper() for one in POWERFUL_ATTRIBUTES if one in reached]
    groups = sorted(reached.difference(POWERFUL_ATTRIBUTES))
    return (*attributes, *(f"member of {group}" for group in groups))


def _why_spared(
    role: ObservedRole,
    server: ObservedServer,
    claimed: Claimed,
    families: Mapping[str, str],
    reaches: Reaches,
) -> str:
    name = role.name
    if role.attributes.superuser:
        return "a superuser"
    if role.attributes.replication:
        return "it may replicate"
    if name in families:
        return f"a role of {families[name]}"
    if REPLICATES_ON_RDS in families and REPLICATES_ON_RDS in reaches.roles_of(name):
        return "it may replicate"
    if name in server.subscribers:
        return "it owns an enabled subscription"
    if name in claimed.left:
        return "a Regent managed it and left it as it was"
    return ""


def _why_spared_now(
    role: ObservedRole, server: ObservedServer, standing: Standing, noticed: Noticed | None
) -> str:
    """Whoever administers the server at this moment is not put out; who was disabled once is."""
    if noticed is not None and noticed.disabled_at is not None:
        return ""
    powers = standing.powers.get(role.name, frozenset())
    if role.name in server.connected and not ADMINISTERS.isdisjoint(powers):
        return "an administrator who is connected"
    return ""
