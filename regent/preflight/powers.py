"""Which roles have more than they should, by attribute, membership, ownership or password. Pure.

Memberships count with any option: a role that has ADMIN or SET can get the rest (regent/reach.py).
The admin, the superuser that initdb made, and the roles of the platform are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from regent.observed import DATABASE_OWNER, ObservedRole
from regent.preflight.facts import Facts
from regent.preflight.finding import A_SUPERUSER, Finding, Severity, Way
from regent.reach import (
    HARMLESS_BUILT_IN,
    ON_FILES,
    ON_PARAMETER,
    PROVIDER_ROLES,
    SYSTEM_PREFIX,
)
from regent.standing import Standing
from regent.unmanaged.families import family_roles
from shared.memberships import OPTIONS_SINCE
from shared.names import OWNER_ROLE, quote_ident, quote_literal

BOOTSTRAP_OID = 10
_HARMLESS_HERE = HARMLESS_BUILT_IN | {
    "pg_checkpoint",
    DATABASE_OWNER,
    "pg_use_reserved_connections",
}
_ATTRIBUTES = {
    "superuser": ("superusers", "can do everything, whatever is declared"),
    "createrole": ("createrole", "can make roles and give them away (CREATEROLE)"),
    "replication": ("replication", "can read all data of the server by replication (REPLICATION)"),
    "bypassrls": (
        "bypassrls",
        "can read and write all rows, whatever row security says (BYPASSRLS)",
    ),
}
_SOON = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Looked:
    """The facts, with what follows from the memberships."""

    facts: Facts
    standing: Standing
    spared: frozenset[str]

    @classmethod
    def at(cls, facts: Facts) -> Self:
        """`spared` are those of whom nothing is said."""
        server = facts.server
        first = (name for name, one in server.roles.items() if one.oid == BOOTSTRAP_OID)
        spared = {*first, *server.own_admins, OWNER_ROLE, *family_roles(server.roles)}
        return cls(facts, Standing.of(server, facts.ordinary), frozenset(spared))

    def logins(self) -> Iterator[ObservedRole]:
        """Who may log in, by name."""
        for name, role in sorted(self.facts.server.roles.items()):
            if role.login and name not in self.spared:
                yield role

    def way_to(self, role: str, targets: Collection[str]) -> list[str]:
        """The shortest chain of memberships from a role to one of these, both ends in it."""
        ways, seen = [[role]], {role}
        for way in ways:
            if way[-1] in targets:
                return way
            for group in self.standing.reaches.groups_of.get(way[-1], ()):
                if group not in seen:
                    seen.add(group)
                    ways.append([*way, group])
        return []


def findings(facts: Facts) -> Iterator[Finding]:
    """All of them."""
    looked = Looked.at(facts)
    for attribute in _ATTRIBUTES:
        yield from _with_attribute(looked, attribute)
    yield from _reaching_the_admin(looked)
    yield from _in_built_in_groups(looked)
    yield from _with_rights_of_a_superuser(looked)
    yield from _owners_that_log_in(looked)
    yield from _passwords(looked)


def _with_attribute(looked: Looked, attribute: str) -> Iterator[Finding]:
    """A superuser is told as one, and no more of it."""
    roles = looked.facts.server.roles
    holders = {
        name
        for name, role in roles.items()
        if getattr(role.attributes, attribute)
        and name not in looked.spared
        and (attribute == "superuser" or not role.attributes.superuser)
    }
    above = {name for name, role in roles.items() if role.attributes.superuser}
    ways = [
        way
        for role in looked.logins()
        if attribute == "superuser" or role.name not in above
        if (way := looked.way_to(role.name, holders))
    ]
    if ways:
        name, may = _ATTRIBUTES[attribute]
        yield Finding(
            Severity.RISK,
            name,
            f"These {may}.",
            tuple(map(_through, ways)),
            _unique(each for way in ways for each in _without(attribute, way, looked)),
        )


def _without(attribute: str, way: list[str], looked: Looked) -> Iterator[Way]:
    if len(way) > 1:
        yield from _revoked(way, looked)
    else:
        yield Way(f"ALTER ROLE {quote_ident(way[0])} NO{attribute.upper()};", by=A_SUPERUSER)


def _through(way: list[str]) -> str:
    return f"{way[0]} (through {' → '.join(way[1:])})" if len(way) > 1 else way[0]


def _revoked(way: list[str], looked: Looked) -> Iterator[Way]:
    """The last membership of a chain, by each of its grantors: with it the whole chain is gone."""
    server = looked.facts.server
    for one in server.memberships:
        if (one.member, one.group) == (way[-2], way[-1]):
            text = f"REVOKE {quote_ident(one.group)} FROM {quote_ident(one.member)}"
            by = f" GRANTED BY {quote_ident(one.grantor)}" if server.major >= OPTIONS_SINCE else ""
            yield Way(f"{text}{by};")


def _reaching_the_admin(looked: Looked) -> Iterator[Finding]:
    ours = looked.facts.server.own_admins | {OWNER_ROLE}
    admins = looked.standing.admins
    logins = [role.name for role in looked.logins() if role.name not in admins]
    found = [looked.way_to(name, ours) for name in logins]
    if ways := [way for way in found if way]:
        yield Finding(
            Severity.RISK,
            "members-of-the-admin",
            "These can become the admin, and so can do all that it can.",
            tuple(map(_through, ways)),
            _unique(each for way in ways for each in _revoked(way, looked)),
        )


def _in_built_in_groups(looked: Looked) -> Iterator[Finding]:
    """One line for each role and group."""
    groups = sorted(
        group
        for group in {*looked.standing.reaches.members_of}
        if group in PROVIDER_ROLES
        or (group.startswith(SYSTEM_PREFIX) and group not in _HARMLESS_HERE)
    )
    above = {name for name, one in looked.facts.server.roles.items() if one.attributes.superuser}
    ways = [
        way
        for group in groups
        for role in looked.logins()
        if role.name not in above
        if len(way := looked.way_to(role.name, {group})) > 1
    ]
    if ways:
        yield Finding(
            Severity.RISK,
            "members-of-built-in-groups",
            "These are in built-in groups that read, write or run things without a GRANT on them.",
            tuple(
                f"{way[0]} in {way[-1]}"
                + (f" (through {' → '.join(way[1:-1])})" if len(way) > 2 else "")
                for way in ways
            ),
            _unique(each for way in ways for each in _revoked(way, looked)),
        )


def _with_rights_of_a_superuser(looked: Looked) -> Iterator[Finding]:
    """Privileges with which one soon is a superuser, granted to roles by name."""
    granted = {
        role: sorted(set(powers))
        for role, powers in sorted(looked.standing.reaches.granted.items())
        if role not in looked.spared and not role.startswith(SYSTEM_PREFIX)
    }
    if granted:
        yield Finding(
            Severity.RISK,
            "rights-of-a-superuser",
            "These can set parameters that ordinary users cannot, or read and write the server's"
            " files.",
            tuple(f"{role}: {power}" for role, powers in granted.items() for power in powers),
            tuple(_taken(role, power) for role, powers in granted.items() for power in powers),
        )


def _taken(role: str, power: str) -> Way:
    """For a person to run. A function of files has several signatures, by version."""
    if power.startswith(ON_FILES):
        routine = quote_literal(power.removeprefix(ON_FILES).removesuffix("()"))
        revoke = "format('REVOKE EXECUTE ON FUNCTION %s FROM %I', oid::regprocedure"
        rows = f"FROM pg_proc WHERE proname = {routine}"
        text = f"SELECT {revoke}, {quote_literal(role)}) {rows} \\gexec"
        return Way(text, by=f"{A_SUPERUSER}, in psql, in each database")
    privilege, _, parameter = power.partition(ON_PARAMETER)
    named = ".".join(map(quote_ident, parameter.split(".")))
    text = f"REVOKE {privilege} ON PARAMETER {named} FROM {quote_ident(role)};"
    return Way(text, by=A_SUPERUSER)


def _owners_that_log_in(looked: Looked) -> Iterator[Finding]:
    names = {role.name for role in looked.logins()}
    found = [
        (name, one)
        for name, database in looked.facts.databases.items()
        for one in database.owned
        if one.owner in names
    ]
    if found:
        yield Finding(
            Severity.RISK,
            "owners-that-log-in",
            "These can log in and own objects: an owner can grant, alter and drop them whatever is"
            " declared. Give the objects to a role without LOGIN, such as app_objects.",
            tuple(
                f"{one.owner} ({one.count:,} in {name}, such as {one.first})" for name, one in found
            ),
            (
                Way('CREATE ROLE "app_objects" NOLOGIN;'),
                *(
                    Way(f'REASSIGN OWNED BY {quote_ident(one.owner)} TO "app_objects";', "", name)
                    for name, one in found
                ),
            ),
        )


def _passwords(looked: Looked) -> Iterator[Finding]:
    """Whether a role has one is known to a superuser alone: for others each may have one."""
    until = looked.facts.today + _SOON
    endless = [
        role
        for role in looked.logins()
        if role.valid_until is None and (role.verifier is not None or not role.password_is_readable)
    ]
    if endless:
        may = "have" if all(role.password_is_readable for role in endless) else "may have"
        yield Finding(
            Severity.RISK,
            "passwords-without-end",
            f"These {may} a password that never expires: set VALID UNTIL, or declare a User with"
            " validUntil.",
            tuple(role.name for role in endless),
            tuple(
                Way(f"ALTER ROLE {quote_ident(role.name)} VALID UNTIL '{until.isoformat()}';")
                for role in endless
            ),
        )
    everybody = sorted(looked.facts.server.roles.values(), key=lambda role: role.name)
    if weak := [role.name for role in everybody if role.loses_its_password_by_a_rename]:
        yield Finding(
            Severity.RISK,
            "md5-passwords",
            "These passwords are stored as md5, which can be used to log in by anybody who reads it"
            " and which PostgreSQL will drop. Set them again with SCRAM: password_encryption.",
            tuple(weak),
            tuple(
                Way(f"\\password {quote_ident(one)}", by=f"{A_SUPERUSER}, in psql") for one in weak
            ),
        )


def _unique(ways: Iterable[Way]) -> tuple[Way, ...]:
    return tuple(dict.fromkeys(ways))
