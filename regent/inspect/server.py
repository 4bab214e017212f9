"""What a server shares: roles, memberships, settings, databases, tablespaces, parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import asyncpg

from regent.desired import Attributes, SettingKey
from regent.inspect import statements
from regent.inspect.acl import AclReader
from regent.kinds import DATABASES, KINDS, SHARED
from regent.observed import ObjectGroup, ObservedMembership, ObservedRole, ObservedServer
from regent.server.lenient_text import is_legible, left_alone, legible
from shared.privileges import ObjectKind
from shared.state import Verifier
from sql import load


async def inspect_server(
    connection: asyncpg.Connection, *, databases: Collection[str] = ()
) -> ObservedServer:
    """The shared catalogs, in one statement. Works on a connection to any database.

    `databases` are the served ones: they are read even where they are templates.
    `system_identifier` is empty where it may not be read, and then says nothing (rule 28a).
    """
    rights = await connection.fetchrow(load("inspect/may_read"))
    if rights is None:
        raise LookupError("the server says nothing of our rights")
    major = connection.get_server_version().major
    statement = statements.server(
        major, with_passwords=rights["passwords"], with_identifier=rights["identifier"]
    )
    found = await connection.fetchrow(statement, list(databases))
    if found is None:
        raise LookupError("our own role is not in pg_roles")
    roles = [_RoleRow(*row) for row in found["roles"]]
    objects = [_ObjectRow(*row) for row in found["objects"]]
    groups = _groups(objects)
    return ObservedServer(
        version_num=found["version_num"],
        system_identifier=found["identifier"],
        admin=found["admin"],
        admin_is_superuser=found["admin_is_superuser"],
        roles=_roles(roles, _settings(found["settings"]), password_is_readable=rights["passwords"]),
        memberships=tuple(
            ObservedMembership(*row)
            for row in found["memberships"]
            if all(map(is_legible, row[:3]))
        ),
        databases=groups[DATABASES.kind],
        shared=tuple(group for row in SHARED for group in groups[row.kind]),
        is_in_recovery=found["is_in_recovery"],
        lingering=frozenset(filter(is_legible, found["lingering"])),
        prepared=tuple(sorted(map(legible, found["prepared"] or ()))),
        granted_to=frozenset(filter(is_legible, found["granted_to"] or ())),
        file_routines=tuple(
            (role, routine) for role, routine in found["file_routines"] if is_legible(role)
        ),
        illegible=_illegible(roles, objects),
        connected=frozenset(filter(is_legible, found["connected"])),
        connected_to=_by_database(found["connected_to"]),
        subscribers=frozenset(filter(is_legible, found["subscribers"])),
        other_login=found["login"] if found["login"] != found["admin"] else "",
        other_login_is_superuser=found["login_is_superuser"],
    )


class _RoleRow(NamedTuple):
    """One row of sql/inspect/roles.sql."""

    oid: int
    name: str
    login: bool
    superuser: bool
    createdb: bool
    createrole: bool
    inherit: bool
    replication: bool
    bypassrls: bool
    connection_limit: int
    valid_until: datetime | None
    has_expired: bool
    verifier: str | None

    @property
    def attributes(self) -> tuple[bool, ...]:
        """In the order of Attributes, which is that of the row."""
        return self[3:9]


class _ObjectRow(NamedTuple):
    """One row of a fragment of sql/inspect/kinds, as far as it is about what all share."""

    part: str
    form: str
    schema: None
    owner: str
    acl: Sequence[str]
    is_system: bool
    names: Sequence[str]
    oids: Sequence[int]
    others: None = None
    arguments: None = None


def _by_database(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """The roles with a session, by the database that it is in."""
    found: dict[str, set[str]] = {}
    for database, role in pairs:
        if is_legible(role):
            found.setdefault(database, set()).add(role)
    return {database: frozenset(roles) for database, roles in found.items()}


def _settings(rows: Iterable[asyncpg.Record]) -> dict[int, dict[SettingKey, str]]:
    """Per role oid, what is set for it; a value that is not UTF-8 is one all the same."""
    found: dict[int, dict[SettingKey, str]] = {}
    for role_oid, database, assignments in rows:
        of_role = found.setdefault(role_oid, {})
        if database is not None and not is_legible(database):
            continue
        for assignment in assignments:
            parameter, _, value = assignment.partition("=")
            if is_legible(parameter):
                of_role[SettingKey(database, parameter)] = legible(value)
    return found


def _roles(
    rows: Iterable[_RoleRow],
    settings: dict[int, dict[SettingKey, str]],
    *,
    password_is_readable: bool,
) -> dict[str, ObservedRole]:
    return {
        row.name: ObservedRole(
            oid=row.oid,
            name=row.name,
            login=row.login,
            attributes=Attributes(*row.attributes),
            connection_limit=row.connection_limit,
            valid_until=row.valid_until,
            has_expired=row.has_expired,
            verifier=Verifier(row.verifier) if row.verifier is not None else None,
            password_is_readable=password_is_readable,
            settings=settings.get(row.oid, {}),
        )
        for row in rows
        if is_legible(row.name)
    }


def _groups(rows: Iterable[_ObjectRow]) -> Mapping[ObjectKind, tuple[ObjectGroup, ...]]:
    """By kind, the databases and what else all of them share."""
    acls = AclReader()
    found: dict[ObjectKind, list[ObjectGroup]] = {row.kind: [] for row in (DATABASES, *SHARED)}
    for row in rows:
        pairs = [p for p in zip(row.names, row.oids, strict=True) if is_legible(p[0])]
        if pairs:
            group = ObjectGroup(
                kind=ObjectKind(row.part),
                schema=None,
                owner=legible(row.owner),
                acl=acls.read(row.acl),
                names=tuple(name for name, _ in pairs),
                oids=tuple(oid for _, oid in pairs),
            )
            found[group.kind].append(group)
    return {kind: tuple(groups) for kind, groups in found.items()}


def _illegible(roles: Iterable[_RoleRow], objects: Iterable[_ObjectRow]) -> tuple[str, ...]:
    """The roles, databases and such that are left alone, each kind in one line."""
    found = {"roles": [row.oid for row in roles if not is_legible(row.name)]}
    for row in objects:
        odd = [oid for name, oid in zip(row.names, row.oids, strict=True) if not is_legible(name)]
        found.setdefault(KINDS[ObjectKind(row.part)].many, []).extend(odd)
    return tuple(left_alone(kind, oids) for kind, oids in found.items() if oids)
