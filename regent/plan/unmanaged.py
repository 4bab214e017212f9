"""Roles that nobody declares: disabled where the Regent says so, and undone (rule 11). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from regent.changes import Change, DisableRole, EnableRole, EndSessions
from regent.desired import Desired
from regent.observed import ObservedServer

WHY = "nobody declares it, and it is disabled"


def plan_unmanaged(desired: Desired, server: ObservedServer) -> Iterator[Change]:
    """By name. Sessions that an earlier pass left end too."""
    for name, oid in sorted(desired.disabling):
        role = server.roles.get(name)
        if role is None or role.oid != oid:
            continue
        if role.login:
            yield DisableRole(name, oid)
        if role.login or name in server.lingering:
            yield EndSessions(name, WHY)
    for name, oid in sorted(desired.enabling):
        yield EnableRole(name, oid)
