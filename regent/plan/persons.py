"""Who may use a role now, and whom its declaration means: are they the same? Pure (rule 10).

A role that gets another holder, or that is adopted, may be somebody's who has its password or a
session. What the new declaration gives is not for him. The same person goes on where that is known:
the verifier that is declared is in force already, or `renamedFrom` says so and no other verifier
does (ADR 33). Whoever else is in it is put out first: NOLOGIN and no password, then its sessions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar, assert_never

from regent.changes import AlterRole, Change, Effect, EndSessions, GrantPrivileges
from regent.desired import Causes, Desired, DesiredRole, PasswordPolicy
from regent.observed import ObservedRole, ObservedServer
from regent.plan.handing_over import Members, gives_to, unclean
from regent.plan.passwords import is_in_force
from shared.keys import ResourceKey

T = TypeVar("T")
ANOTHER = "another one gets the role, and they would have what is declared for him"
MAY_END_SESSIONS = "pg_signal_backend"
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Persons:
    """`former` are the holders of roles that go to another person, by the names that these get.

    `strangers` are those of them that somebody else may still use.
    """

    former: Mapping[str, ResourceKey] = field(default_factory=dict)
    strangers: frozenset[str] = NOBODY


def persons_of(
    desired: Desired,
    server: ObservedServer,
    holders: Mapping[str, ResourceKey],
    digests: Mapping[str, str],
) -> Persons:
    """All hand-overs. The server is as it was read: a rename clears an md5 password."""
    former: dict[str, ResourceKey] = {}
    strangers: set[str] = set()
    moving = {role.renamed_from for role in desired.roles.values()}
    for name, role in desired.roles.items():
        before = role.renamed_from or name
        known_as = role.known_as(moving)
        holder = remembered(holders, known_as)
        is_new = role.renamed_from is None and name in moving
        observed = None if is_new else server.roles.get(before)
        if observed is None or holder is None or name in desired.adopted:
            continue
        if holder == role.holder or holder in role.declared_by:
            continue
        digest = remembered(digests, known_as) or ""
        if _is_same(role, observed, digest):
            continue
        former[name] = holder
        if observed.login or before in server.lingering or has_password(observed, digest):
            strangers.add(name)
    return Persons(former, frozenset(strangers))


def remembered(by_mark: Mapping[str, T], names: Sequence[str]) -> T | None:
    """What the mark under one of these names remembers."""
    return next((by_mark[name] for name in names if name in by_mark), None)


def _is_same(role: DesiredRole, observed: ObservedRole, digest: str) -> bool:
    match role.password:
        case PasswordPolicy.SET:
            return role.verifier is not None and is_in_force(role.verifier, observed, digest)
        case PasswordPolicy.UNMANAGED | PasswordPolicy.WAITING:
            return role.goes_on
        case PasswordPolicy.NONE:
            return False
        case _:
            assert_never(role.password)


def has_password(observed: ObservedRole, digest: str) -> bool:
    """Whether one is in force, as far as that can be seen: `digest` is what the mark knows."""
    return observed.verifier is not None or (not observed.password_is_readable and bool(digest))


def put_out(role: str, causes: Causes) -> Iterator[Change]:
    """LOGIN and password go in one statement: no end of a pass comes between them."""
    yield AlterRole(role, Effect.CLOSE, login=False, causes=causes, for_now=True)
    yield EndSessions(role, ANOTHER, causes)


def adopted_strangers(
    desired: Desired,
    server: ObservedServer,
    changes: Sequence[Change],
    adopted: Collection[str],
    digests: Mapping[str, str],
) -> tuple[frozenset[str], tuple[Change, ...]]:
    """Of the adopted roles those that somebody else may use while they get something, and his end.

    He is put out when nothing is left to be taken from the role: an adoption that cannot be
    finished locks nobody out, and gives him nothing.
    """
    strangers: set[str] = set()
    ends: list[Change] = []
    if not adopted:
        return NOBODY, ()
    members = Members.of(server)
    given = {name for change in changes for name in gives_to(change, members)}
    dirty = unclean(changes, members)
    admin_reaches = members.reaches.roles_of(server.admin)
    for name in sorted(given.intersection(adopted)):
        role, observed = desired.roles[name], server.roles.get(name)
        if observed is None or not (observed.login or name in server.lingering):
            continue
        if not _is_another(role, observed, digests.get(name, "")):
            continue
        strangers.add(name)
        if role.verifier is None or not role.login or name in dirty:
            continue
        # Else LOGIN would be taken, and could not be given to anybody.
        if server.admin_is_superuser or not admin_reaches.isdisjoint({name, MAY_END_SESSIONS}):
            ends += put_out(name, role.declared_by)
            if observed.login:
                ends.append(AlterRole(name, Effect.OPEN, login=True, causes=role.declared_by))
        else:
            ends.append(EndSessions(name, ANOTHER, role.declared_by, Effect.REMOVE))
    return frozenset(strangers), tuple(ends)


def _is_another(role: DesiredRole, observed: ObservedRole, digest: str) -> bool:
    """An adoption without a Secret means whoever has the role; one whose Secret waits nobody."""
    if role.password is PasswordPolicy.WAITING:
        return True
    return role.verifier is not None and not is_in_force(role.verifier, observed, digest)


def divided(changes: Sequence[Change], names: Collection[str]) -> Iterator[Change]:
    """The same changes, with what is granted to each of these roles in a change of its own."""
    for change in changes:
        if not isinstance(change, GrantPrivileges) or change.effect is not Effect.WIDEN:
            yield change
            continue
        apart = [one for one in change.grantees if one in names]
        others = tuple(one for one in change.grantees if one not in names)
        if not apart or len(change.grantees) == 1:
            yield change
            continue
        if others:
            yield replace(change, grantees=others)
        yield from (replace(change, grantees=(one,)) for one in apart)
