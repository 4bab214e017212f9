"""Which roles are exported, and why the others are not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from regent.export.asked import Asked, Read
from regent.observed import ObservedRole, ObservedServer
from regent.reach import PROVIDER_ROLES, SYSTEM_PREFIX
from regent.standing import admins_of
from shared.names import OWNER_ROLE, role_name_problem
from shared.patterns import escaped, matcher

UNLIMITED = -1


@dataclass(frozen=True, slots=True)
class Who:
    """The roles to declare, those that are not and why, and those that were not asked for."""

    chosen: Mapping[str, ObservedRole]
    left_out: Mapping[str, str]
    not_asked: frozenset[str]

    def to_ignore(self, server: ObservedServer, asked: Asked) -> tuple[str, ...]:
        """Patterns for `ignoreRoles`: members of exported roles would lose their membership."""
        is_ignored = matcher(asked.ignore_roles)
        members = {
            row.member
            for row in server.memberships
            if row.group in self.chosen
            and row.member not in self.chosen
            and not is_untouchable(row.member, server)
            and not is_ignored(row.member)
        }
        return (*asked.ignore_roles, *map(escaped, sorted(members)))


def who(read: Read, asked: Asked) -> Who:
    """Each role of the server, once. PostgreSQL's own are nobody's to declare."""
    server = read.observed.server
    is_asked, is_ignored = matcher(asked.roles or ("*",)), matcher(asked.ignore_roles)
    chosen: dict[str, ObservedRole] = {}
    left_out: dict[str, str] = {}
    not_asked = set()
    for name, role in sorted(server.roles.items()):
        if name.startswith(SYSTEM_PREFIX) or name == OWNER_ROLE:
            continue
        if not is_asked(name) or is_ignored(name):
            not_asked.add(name)
        elif why := next(_reasons(role, server), "") or read.left_out.get(name, ""):
            left_out[name] = why
        else:
            chosen[name] = role
    return Who(chosen, left_out, frozenset(not_asked))


def is_untouchable(name: str, server: ObservedServer) -> bool:
    """In nobody's authority anyway (rule 9)."""
    if name.startswith(SYSTEM_PREFIX) or name == OWNER_ROLE:
        return True
    return name in PROVIDER_ROLES or name in admins_of(server)


def is_user(role: ObservedRole) -> bool:
    """Whether it becomes a User: it may log in, or has what only a User has."""
    has_limits = role.connection_limit != UNLIMITED or role.valid_until is not None
    return role.login or has_limits or role.verifier is not None


def _reasons(role: ObservedRole, server: ObservedServer) -> Iterator[str]:
    if role.name in server.own_admins or role.name in admins_of(server):
        yield "it is the admin, whom a Regent never manages"
    if role.attributes.superuser:
        yield "it is a superuser, which is kept out of declarations"
    if role.name in PROVIDER_ROLES:
        yield "it belongs to the provider of the server"
    if problem := role_name_problem(role.name):
        yield f"its name {problem}"
    if role.login and role.has_expired:
        yield (
            "its VALID UNTIL is over and it has LOGIN still, which PostgRegent would take: run"
            " ALTER ROLE … NOLOGIN, or VALID UNTIL 'infinity', and export again"
        )
