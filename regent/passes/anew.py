"""Whom something else is declared of than before. Pure.

What somebody does to the others while a push arrives is drift all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from regent.desired import DeclaredDefault, DeclaredGrant, Desired


def declared_anew(before: Desired, now: Desired) -> frozenset[str | None] | None:
    """The roles of which what is desired is not the same, None for PUBLIC; None alone is any."""
    if _rest(before) != _rest(now) or before.grants.keys() != now.grants.keys():
        return None
    pairs = {(one.group, one.member) for one in {*before.memberships} ^ {*now.memberships}}
    pairs |= (before.undecided ^ now.undecided) | (before.ended ^ now.ended)
    return frozenset(
        {
            *_roles(before, now),
            *(ending.name for ending in {*before.endings} ^ {*now.endings}),
            *(name for pair in pairs for name in pair),
            *_grantees(before, now),
            *(one.grantee for _, one in _defaults(before) ^ _defaults(now)),
        }
    )


def _rest(desired: Desired) -> Desired:
    """What is not told apart by the roles that it is about, such as what is ignored."""
    return replace(
        desired,
        roles={},
        memberships=(),
        grants={},
        defaults={},
        endings=(),
        undecided=frozenset(),
        ended=frozenset(),
    )


def _roles(before: Desired, now: Desired) -> Iterator[str]:
    for name in before.roles.keys() | now.roles.keys():
        if before.roles.get(name) != now.roles.get(name):
            yield name


def _grantees(before: Desired, now: Desired) -> Iterator[str | None]:
    for database, grants in now.grants.items():
        differ = {*before.grants[database]} ^ {*grants}
        was, is_now = (
            {edge for one in some if one in differ for edge in _edges(one)}
            for some in (before.grants[database], grants)
        )
        yield from (grantee for _, grantee in was ^ is_now)


def _defaults(desired: Desired) -> frozenset[tuple[str, DeclaredDefault]]:
    """Each with its database."""
    return frozenset(
        (database, one) for database, defaults in desired.defaults.items() for one in defaults
    )


def _edges(grant: DeclaredGrant) -> Iterator[tuple[DeclaredGrant, str | None]]:
    given = replace(grant, grantees=())
    for grantee in grant.grantees:
        yield given, grantee
