"""Which privileges of PUBLIC are in our authority on an object, and when CONNECT stays. Pure.

Everybody has what PUBLIC has, so the Regent says right by right whether it is declared (rule 11).
Out of it are what the whole server shares, system and ignored schemas, and members of extensions
that a superuser or the admin owns: these PUBLIC may be given by a Permission with
`extensions: true`, and nothing is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Set
from dataclasses import replace
from typing import NamedTuple

from regent.kinds import KINDS
from regent.observed import Acl, ObjectGroup, ObservedServer
from regent.plan.differences import Privileges, Scope
from regent.plan.matching import Needs, is_system
from shared.listing import first_of
from shared.names import quote_ident
from shared.privileges import CONNECT, ObjectKind, PublicRight

MOST_NAMED = 3


class OfPublic(NamedTuple):
    """What of PUBLIC is in our authority on some objects; `is_kept`: it is only given there."""

    privileges: Privileges = frozenset()
    is_kept: bool = False


NOTHING_OF_PUBLIC = OfPublic()


def of_public(
    rights: Set[PublicRight], group: ObjectGroup, kind: ObjectKind, trusted: Container[str]
) -> OfPublic:
    """On objects of a group; `kind` is another one than the group's for columns of its tables.

    Whoever owns an extension adds objects of his own to it. So a member is the extension's as far
    as somebody `trusted` owns it: a superuser, as whom trusted extensions are made, or the admin.
    """
    if (
        not rights
        or group.is_out_of_reach
        or (group.schema is not None and is_system(group.schema))
    ):
        return NOTHING_OF_PUBLIC
    return OfPublic(
        KINDS[kind].privileges_of(rights), group.is_extension_member and group.owner in trusted
    )


def closing(acl: Acl, needs: Needs, scope: Scope) -> bool:
    """Whether PUBLIC has CONNECT on a database, by whatever grant, and shall not.

    It goes by a REVOKE of its own, or with the grant option of whoever gave it.
    """
    may = scope.allowed(None, needs).privileges
    return any(i.grantee is None and CONNECT in scope.ours(i) - may for i in acl)


def kept_open(scope: Scope) -> Scope:
    """The same, where PUBLIC keeps CONNECT: from the owner, if whoever gave it may no more."""
    return replace(scope, of_public=scope.of_public - {CONNECT})


def shut_out(
    database: str,
    acl: Acl,
    needs: Needs,
    scope: Scope,
    server: ObservedServer,
    *,
    is_ours: Callable[[str], bool],
    rights_of: Callable[[str], Set[str]],
) -> tuple[str, ...]:
    """Who could not connect any more and must be able to: the admin, and strangers with a session.

    Roles that are `ours` have what is declared of them. `rights_of` are the roles whose rights one
    uses. Superusers need no privilege.
    """
    holders = {
        item.grantee
        for item in acl
        if CONNECT in item.privileges
        and CONNECT not in scope.ours(item) - scope.allowed(item.grantee, needs).privileges
    }
    holders.update(
        g for g, need in needs.items() if g in scope.managed and CONNECT in need.privileges
    )
    holders.discard(None)
    here = server.connected_to.get(database, frozenset())
    found = []
    for name in sorted({server.login, *here}):
        role = server.roles.get(name)
        if role is None or role.attributes.superuser or (name != server.login and is_ours(name)):
            continue
        if holders.isdisjoint(rights_of(name)):
            found.append(name)
    return tuple(found)


def why_open(database: str, roles: tuple[str, ...], declared: tuple[str, ...] = ()) -> str:
    """What is said of a database on which PUBLIC keeps CONNECT, with the way out."""
    said = [_why_strangers(database, roles)] if roles else []
    if declared:
        named = first_of([repr(role) for role in declared], MOST_NAMED)
        said.append(
            f"PUBLIC keeps CONNECT on database {database!r} until {named} {_verb(declared)} the"
            " CONNECT that is declared: a pause, the brake, spec.allow of the Regent, something"
            " missing or held, an adoption that is refused, or the server keeps it back. The"
            " resources that declare it say which; or run GRANT CONNECT ON"
            f" DATABASE {quote_ident(database)} TO {quote_ident(declared[0])} yourself."
        )
    return " ".join(said)


def _verb(roles: tuple[str, ...]) -> str:
    return "has" if len(roles) == 1 else "have"


def _why_strangers(database: str, roles: tuple[str, ...]) -> str:
    named = first_of([repr(role) for role in roles], MOST_NAMED)
    grant = f"GRANT CONNECT ON DATABASE {quote_ident(database)} TO {quote_ident(roles[0])}"
    verb, whose = _verb(roles), "its" if len(roles) == 1 else "their"
    return (
        f"PUBLIC keeps CONNECT on database {database!r}, though nobody declares it: {named} {verb}"
        f" no CONNECT of {whose} own, and would be shut out. Run {grant}; or declare the role, with"
        " a Permission for CONNECT."
    )
