"""The SQL that gives an admin who is no superuser the right that it lacks, and who runs it. Pure.

Said once, with what the server said, and remembered with it (rule 21). Nobody is told to make the
admin a superuser in all but name: what a superuser owns, a superuser grants on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import assert_never

from regent.apply.render import render
from regent.apply.result import NO_RIGHT, ChangeResult, way_out
from regent.changes import (
    AdoptRole,
    AlterRole,
    AlterSetting,
    Change,
    ClearPassword,
    CreateOwned,
    CreateRole,
    DisableRole,
    DropRole,
    EnableRole,
    EndSessions,
    GatherObjects,
    GrantDefaults,
    GrantMembership,
    GrantPrivileges,
    HandOnOwned,
    HandOver,
    PrivilegeChange,
    ReleaseRole,
    RenameRole,
    RevokeDefaults,
    RevokeMembership,
    RevokePrivileges,
    SetOwner,
    SetPassword,
)
from regent.observed import DATABASE_OWNER, ObservedServer
from regent.reach import POWERFUL_ATTRIBUTES, PROVIDER_ROLES
from shared.memberships import OPTIONS_SINCE
from shared.names import quote_ident

MOST_OWNERS = 3
_BEFORE_ONLY_OF_SUPERUSERS = frozenset({"superuser", "replication", "bypassrls"})


def with_what_helps(result: ChangeResult, server: ObservedServer) -> ChangeResult:
    """The same result; where the admin lacks a right, with the statement that gives it."""
    if result.done or server.admin_is_superuser or result.sqlstate not in NO_RIGHT:
        return result
    change = result.remaining[0] if result.remaining else result.change
    said = " ".join(_statements(change, server))
    if not said:
        return result
    told = f"{result.message.rstrip('.')}. {said}"
    is_general = result.way_out == way_out(result.sqlstate, result.change)
    exact = way_out(result.sqlstate, result.change, is_helped=True)
    return replace(
        result,
        message=told,
        way_out=exact if is_general else result.way_out,
        is_helped=True,
    )


def _statements(change: Change, server: ObservedServer) -> Iterator[str]:
    """None where what is lacking is said by whoever met it, or is no right over a role."""
    match change:
        case RevokePrivileges():
            yield from _of_owners({change.grantor}, change, server)
        case GrantPrivileges():
            yield from _of_owners({one.owner for one in change.objects}, change, server)
        case GrantMembership():
            yield from _over(change.group, change, server)
        case RevokeMembership():
            yield from _over(change.group, change, server, grantor=change.grantor)
        case CreateRole():
            wanted = [name for name in POWERFUL_ATTRIBUTES if getattr(change.attributes, name)]
            lacks = () if _has(server, "createrole") else ("createrole",)
            yield from _attributes(wanted, server, *lacks)
        case AlterRole():
            wanted = [name for name in POWERFUL_ATTRIBUTES if getattr(change, name) is not None]
            said = tuple(_attributes(wanted, server))
            yield from said or _over(change.role, change, server)
        case (
            RenameRole() | SetPassword() | ClearPassword() | AlterSetting()
            | DisableRole() | EnableRole()
        ):  # fmt: skip
            yield from _over(change.role, change, server)
        case (
            AdoptRole() | HandOver() | DropRole() | ReleaseRole() | EndSessions() | HandOnOwned()
            | GrantDefaults() | RevokeDefaults() | CreateOwned() | SetOwner() | GatherObjects()
        ):  # fmt: skip
            return
        case _:
            assert_never(change)


def _of_owners(owners: set[str], change: PrivilegeChange, server: ObservedServer) -> Iterator[str]:
    """Membership in them with their rights; nobody is made a member of a superuser."""
    meant = {_meant(owner, change, server) for owner in owners}
    known = sorted(owner for owner in meant if owner in server.roles and owner != server.admin)
    for owner in known[:MOST_OWNERS]:
        statement = _in_sql(replace(change, objects=change.objects[:1]), server)
        if _is_superuser(server, owner):
            yield f'"{owner}" is a superuser: run {statement}; as it, or give it another owner.'
        elif owner in {*PROVIDER_ROLES, DATABASE_OWNER}:
            yield f'Nobody is made a member of "{owner}": run {statement}; as a role that is one.'
        else:
            yield (
                f"Run GRANT {quote_ident(owner)} TO"
                f" {quote_ident(server.admin)}{membership_options(owner, server)};"
                f" {who_may_grant(owner, server)}."
            )


def membership_options(owner: str, server: ObservedServer) -> str:
    """Where a bare GRANT would leave the membership without the owner's rights."""
    if server.major < OPTIONS_SINCE:
        return ""
    admin = server.roles.get(server.admin)
    rows = (one for one in server.memberships if one.group == owner)
    without = any(one.member == server.admin and not one.inherit for one in rows)
    lacks = without or (admin is not None and not admin.attributes.inherit)
    return " WITH INHERIT TRUE" if lacks else ""


def _meant(owner: str, change: PrivilegeChange, server: ObservedServer) -> str:
    """Who has the rights of this owner: for pg_database_owner whoever owns the database."""
    if owner != DATABASE_OWNER:
        return owner
    return server.owner_of(change.database or "") or owner


def _over(role: str, change: Change, server: ObservedServer, *, grantor: str = "") -> Iterator[str]:
    """ADMIN over a role, which is what changing it and its members takes."""
    is_of_another = grantor not in ("", server.admin) and server.major >= OPTIONS_SINCE
    if _is_superuser(server, role) or is_of_another or role not in server.roles:
        yield f"Run {_in_sql(change, server)}; as a superuser."
        return
    if not _has(server, "createrole"):
        yield f"Run ALTER ROLE {quote_ident(server.admin)} CREATEROLE; as a superuser."
    if not administers(server, role) and server.major >= OPTIONS_SINCE:
        yield (
            f"Run GRANT {quote_ident(role)} TO {quote_ident(server.admin)} WITH ADMIN TRUE;"
            f" {who_may_grant(role, server)}."
        )


def _in_sql(change: Change, server: ObservedServer) -> str:
    """As it may be shown: a password is left out."""
    return "; ".join(one.shown for one in render(change, major=server.major))


def who_may_grant(role: str, server: ObservedServer) -> str:
    """Before 16 whoever has CREATEROLE makes anybody a member of any role but a superuser."""
    if server.major < OPTIONS_SINCE:
        may = _has(server, "createrole")
        return "as the admin itself" if may else "as a superuser or with CREATEROLE"
    if administers(server, role):
        return "as the admin itself"
    return f"as a superuser, or as a role that has ADMIN over {quote_ident(role)}"


def administers(server: ObservedServer, role: str) -> bool:
    """True if the admin itself has ADMIN over a role."""
    rows = (one for one in server.memberships if one.group == role and one.admin)
    return any(one.member == server.admin for one in rows)


def _attributes(wanted: Collection[str], server: ObservedServer, *lacks: str) -> Iterator[str]:
    """From 16 on nobody gives an attribute that he has not himself; some are a superuser's."""
    is_new = server.major >= OPTIONS_SINCE
    superusers = {"superuser"} if is_new else _BEFORE_ONLY_OF_SUPERUSERS
    if own := [name.upper() for name in wanted if name in superusers]:
        yield (
            f"Only a superuser gives or takes {' and '.join(own)}: have the Regent's adminUser be"
            " one, or take it out of spec.attributes."
        )
        return
    if is_new:
        lacks = tuple({*lacks, *(name for name in wanted if not _has(server, name))})
    if lacks:
        words = " ".join(name.upper() for name in POWERFUL_ATTRIBUTES if name in lacks)
        yield f"Run ALTER ROLE {quote_ident(server.admin)} {words}; as a superuser."


def _has(server: ObservedServer, attribute: str) -> bool:
    admin = server.roles.get(server.admin)
    return admin is not None and bool(getattr(admin.attributes, attribute))


def _is_superuser(server: ObservedServer, role: str) -> bool:
    one = server.roles.get(role)
    return one is not None and one.attributes.superuser
