"""What the admin cannot do because of other roles: objects, roles, memberships of theirs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from regent.apply.what_helps import administers, membership_options, who_may_grant
from regent.observed import ObservedMembership, ObservedServer
from regent.preflight.facts import DatabaseFacts, Facts, Owned
from regent.preflight.finding import A_SUPERUSER, Finding, Severity, Way
from regent.reach import PROVIDER_ROLES, SYSTEM_PREFIX
from regent.unmanaged.families import family_roles
from shared.memberships import OPTIONS_SINCE
from shared.names import OWNER_ROLE, quote_ident


def findings(facts: Facts) -> Iterator[Finding]:
    """None where the admin is a superuser."""
    if not facts.server.admin_is_superuser:
        yield from _owners(facts)
        yield from _roles_of_others(facts)
        yield from _memberships_of_others(facts.server)


def _owners(facts: Facts) -> Iterator[Finding]:
    """The owners on whose objects the admin cannot grant: ordinary, of the platform, superusers."""
    families = family_roles(facts.server.roles)
    meant = [
        (name, one)
        for name, database in facts.databases.items()
        for one in _closed(database, facts)
    ]
    others = [one for one in meant if one[1].owner not in families]
    if theirs := [one for one in others if not _is_above(one[1].owner, facts)]:
        yield Finding(
            Severity.BLOCKS,
            "owner-out-of-reach",
            "The admin is not a member of these owners, so it cannot grant on what they own.",
            tuple(_owned(*one) for one in theirs),
            tuple(_membership(owner, facts.server) for owner in _each_owner(theirs)),
        )
    if theirs := [one for one in meant if one[1].owner in families]:
        yield Finding(
            Severity.NOTE,
            "owned-by-the-platform",
            "Roles of the platform own these: list the schemas in ignoreSchemas of the Regent.",
            tuple(_owned(*one) for one in theirs),
        )
    if theirs := [one for one in others if _is_above(one[1].owner, facts)]:
        yield Finding(
            Severity.RISK,
            "owned-by-a-superuser",
            "A superuser owns these, and only a superuser can grant on them: leave them out of the"
            " Permissions, or change the owner.",
            tuple(_owned(*one) for one in theirs),
            tuple(_another_owner(name, one) for name, one in theirs),
        )


def _closed(database: DatabaseFacts, facts: Facts) -> Iterator[Owned]:
    return (one for one in database.owned if not one.is_ours and one.owner != facts.server.admin)


def _is_above(owner: str, facts: Facts) -> bool:
    """True for a superuser: nobody should be made a member of it."""
    role = facts.server.roles.get(owner)
    return role is not None and role.attributes.superuser


def _each_owner(theirs: Iterable[tuple[str, Owned]]) -> list[str]:
    return list(dict.fromkeys(one.owner for _, one in theirs if not _is_built_in(one.owner)))


def _is_built_in(name: str) -> bool:
    return name.startswith(SYSTEM_PREFIX) or name in PROVIDER_ROLES


def _owned(database: str, one: Owned) -> str:
    if one.is_database:
        return f"{one.owner} (database {database})"
    if one.count == 1:
        return f"{one.owner} ({one.first} in {database})"
    return f"{one.owner} ({one.count:,} objects in {database}, such as {one.first})"


def _membership(owner: str, server: ObservedServer) -> Way:
    options = membership_options(owner, server)
    text = f"GRANT {quote_ident(owner)} TO {quote_ident(server.admin)}{options};"
    return Way(text, by=who_may_grant(owner, server).removeprefix("as "))


def _another_owner(database: str, one: Owned) -> Way:
    if one.is_database:
        text = f"ALTER DATABASE {quote_ident(database)} OWNER TO …;"
    else:
        text = f"REASSIGN OWNED BY {quote_ident(one.owner)} TO …;"
    return Way(text, by=A_SUPERUSER, database=database)


def _roles_of_others(facts: Facts) -> Iterator[Finding]:
    """From 16 on CREATEROLE reaches the roles over which its holder has ADMIN, and no others."""
    server = facts.server
    if server.major < OPTIONS_SINCE:
        return
    families = family_roles(server.roles)
    names = [
        name
        for name, role in sorted(server.roles.items())
        if not role.attributes.superuser
        and name not in {*server.own_admins, OWNER_ROLE, *families}
        and not _is_built_in(name)
        and not administers(server, name)
    ]
    for severity, some in (
        (Severity.BLOCKS, [one for one in names if one in facts.declared]),
        (Severity.RISK, [one for one in names if one not in facts.declared]),
    ):
        if some:
            declared = " Your directory declares them." if severity is Severity.BLOCKS else ""
            yield Finding(
                severity,
                "no-admin-over",
                "The admin has no ADMIN over these roles, which others made. It cannot adopt them,"
                f" nor make anybody a member of them.{declared}",
                tuple(some),
                tuple(_admin_over(one, server) for one in some),
            )


def _admin_over(role: str, server: ObservedServer) -> Way:
    text = f"GRANT {quote_ident(role)} TO {quote_ident(server.admin)} WITH ADMIN TRUE;"
    return Way(text, by=who_may_grant(role, server).removeprefix("as "))


def _memberships_of_others(server: ObservedServer) -> Iterator[Finding]:
    """From 16 on ADMIN takes back what its holder granted, and nothing else."""
    if server.major < OPTIONS_SINCE:
        return
    rows = [one for one in server.memberships if _is_anothers(one, server)]
    if rows:
        yield Finding(
            Severity.NOTE,
            "memberships-of-others",
            "Others granted these memberships, so the admin cannot revoke them. A role that has one"
            " undeclared stays NotManageable until it is revoked by hand.",
            tuple(f"{one.member} in {one.group} (by {one.grantor})" for one in rows),
            tuple(
                Way(
                    f"REVOKE {quote_ident(one.group)} FROM {quote_ident(one.member)}"
                    f" GRANTED BY {quote_ident(one.grantor)};",
                    by=A_SUPERUSER,
                )
                for one in rows
            ),
        )


def _is_anothers(one: ObservedMembership, server: ObservedServer) -> bool:
    families = family_roles(server.roles)
    ends = {one.member, one.group}
    is_ours = one.grantor in server.own_admins or not ends.isdisjoint(server.own_admins)
    known = {*families, OWNER_ROLE}
    return not is_ours and ends.isdisjoint(known) and not any(map(_is_built_in, ends))
