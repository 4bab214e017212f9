"""What somebody may do beyond single objects: attributes, built-in roles, giving roles on. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from regent.access.rights import Way, Words
from regent.observed import ObservedServer
from regent.reach import (
    ON_FILES,
    POWERFUL_ATTRIBUTES,
    PROVIDER_ROLES,
    SYSTEM_PREFIX,
)
from regent.why.reaching import Reached, Reaching

LOGIN, SUPERUSER = "LOGIN", "SUPERUSER"
_GIVES = "ADMIN of "


def powers_of(server: ObservedServer) -> dict[str, Words]:
    """Of each role that has any. Attributes are nobody's by membership: they take a SET ROLE."""
    found: dict[str, dict[str, Way]] = {}
    for word, reached in _given(server):
        for role in reached.at_once:
            found.setdefault(role, {})[word] = Way.AT_ONCE
        for role in reached.by_set_role:
            found.setdefault(role, {}).setdefault(word, Way.SET_ROLE)
    for name, observed in server.roles.items():
        if observed.login:
            found.setdefault(name, {})[LOGIN] = Way.AT_ONCE
    return dict(found)


def _given(server: ObservedServer) -> Iterator[tuple[str, Reached]]:
    reaching = Reaching(server, "")
    for name, role in server.roles.items():
        for attribute in POWERFUL_ATTRIBUTES:
            if getattr(role.attributes, attribute):
                yield attribute.upper(), reaching.to(name, inherits=False)
        if name.startswith(SYSTEM_PREFIX) or name in PROVIDER_ROLES:
            yield name, reaching.to(name)
    for name, routine in server.file_routines:
        yield f"{ON_FILES}{routine}()", reaching.to(name)
    for link in server.memberships:
        if link.admin:
            yield f"{_GIVES}{link.group}", reaching.to(link.member)
