"""Whose roles nobody gets by a declaration: PostgRegent's own, and those of great power. Pure.

A pattern of `allow` is written with ordinary roles in mind. So a role that reaches everything is
named exactly, or it is not meant; and PostgRegent's own roles are never meant (rules 9 and 12).
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from regent.observed import ObservedServer
from regent.reach import OPEN_ATTRIBUTES, Reaches
from shared.names import OWNER_ROLE


@dataclass(frozen=True, slots=True)
class Standing:
    """The roles of a server that need more than a pattern, and what each role reaches.

    `admins` are those of all Regents of the server: the members of the home database's owner role.
    `ours` are these, the owner role, and whatever reaches one of them. `powers` names the powers
    that a role reaches, where it reaches any. `powerful` are roles that reach a superuser,
    CREATEROLE, REPLICATION, BYPASSRLS, a role of PostgreSQL or a provider, or privileges on
    parameters that not every user may set or on functions that read and write files.
    """

    reaches: Reaches
    admins: frozenset[str]
    ours: frozenset[str]
    powers: Mapping[str, frozenset[str]]
    powerful: frozenset[str]

    @classmethod
    def of(cls, server: ObservedServer, ordinary: Container[str] = ()) -> Standing:
        """As the catalog has them. `ordinary` are parameters that any user may set."""
        reaches = Reaches.of(server, ordinary)
        admins = admins_of(server)
        powers = reaches.powerful()
        return cls(
            reaches=reaches,
            admins=admins,
            ours=reaches.reaching(admins | {OWNER_ROLE}),
            powers=powers,
            powerful=frozenset(role for role, what in powers.items() if what - OPEN_ATTRIBUTES),
        )


def admins_of(server: ObservedServer) -> frozenset[str]:
    """The admins of all Regents of this server.

    Each Regent makes its admin a member of the owner role by name, a superuser too.
    """
    members = (row.member for row in server.memberships if row.group == OWNER_ROLE)
    return frozenset(members) | server.own_admins
