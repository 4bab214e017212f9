"""Grantors who cannot take back what they gave, though they have the option for it. Pure.

What a superuser revokes counts as the owner's, whoever gave it. Who may not use a schema finds
nothing in it. And an admin that is no superuser revokes only as roles that it may become.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from regent.kinds import KINDS
from regent.observed import ObjectGroup, ObservedServer
from regent.reach import Reaches

Users = frozenset[str | None]


class Inherited:
    """Whose rights each role uses by INHERIT: reckoned when somebody asks, and once."""

    def __init__(self, server: ObservedServer) -> None:
        self._server = server
        self._found: dict[str, frozenset[str]] = {}

    def by(self, role: str) -> frozenset[str]:
        """The roles, itself among them."""
        if role not in self._found:
            self._found[role] = self._reaches.roles_of(role)
        return self._found[role]

    @cached_property
    def _reaches(self) -> Reaches:
        memberships = self._server.memberships
        return Reaches.by(self._server, ((m.member, m.group) for m in memberships if m.inherit))


@dataclass(frozen=True, slots=True)
class Powerless:
    """The grantors whose REVOKE would do nothing.

    `anywhere` on whatever object; in one schema also whoever is, or inherits, none of its `users`.
    """

    superusers: frozenset[str]
    anywhere: frozenset[str]
    inherited: Inherited
    users: Users | None = None

    def __contains__(self, role: object) -> bool:
        if role in self.anywhere:
            return True
        if self.users is None or None in self.users or not isinstance(role, str):
            return False
        return self.users.isdisjoint(self.inherited.by(role))


@dataclass(frozen=True, slots=True)
class Clinging:
    """Those who have the owner's rights: no grant option of theirs is ever gone."""

    owner: str
    powerless: Powerless

    def __contains__(self, role: object) -> bool:
        if role in self.powerless.superusers:
            return True
        return isinstance(role, str) and self.owner in self.powerless.inherited.by(role)


def powerless_on(server: ObservedServer, inherited: Inherited) -> Powerless:
    """Those of this server."""
    superusers = frozenset(n for n, role in server.roles.items() if role.attributes.superuser)
    anywhere = superusers
    if not server.admin_is_superuser:
        becomes = Reaches.by(
            server, ((m.member, m.group) for m in server.memberships if m.set_role)
        )
        anywhere |= server.roles.keys() - becomes.roles_of(server.admin)
    return Powerless(superusers, anywhere, inherited)


def users_of_schemas(groups: Iterable[ObjectGroup]) -> dict[str, Users]:
    """Who may use each schema that was read; None is PUBLIC."""
    found: dict[str, Users] = {}
    for group in groups:
        if KINDS[group.kind].is_container:
            users = {item.grantee for item in group.acl if "USAGE" in item.privileges}
            found |= dict.fromkeys(group.names, frozenset(users))
    return found
