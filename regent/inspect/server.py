"""What a server shares: roles, memberships, settings, databases, tablespaces, parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

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

UNKNOWN_IDENTIFIER = ""
MEMBERSHIP_OPTIONS_SINCE = 16_00_00


async def inspect_server(
    connection: asyncpg.Connection, *, databases: Collection[str] = ()
) -> ObservedServer:
    """The shared catalogs, in one snapshot. Works on a connection to any database.

    `databases` are the served ones: they are read even where they are templates.
    `system_identifier` is empty where it may not be read, and then says nothing (rule 28a).
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        facts = await connection.fetchrow(load("inspect/facts"))
        if facts is None:
            raise LookupError("our own role is not in pg_roles")
        roles = "roles" if facts["may_read_passwords"] else "roles_without_passwords"
        has_options = facts["version_num"] >= MEMBERSHIP_OPTIONS_SINCE
        memberships = "memberships" if has_options else "memberships_before_16"
        identifier = UNKNOWN_IDENTIFIER
        if facts["may_read_identifier"]:
            identifier = await connection.fetchval(load("inspect/system_identifier"))
        settings = await connection.fetch(load("inspect/settings"))
        role_rows = await connection.fetch(load(f"inspect/{roles}"))
        object_rows = await connection.fetch(
            statements.shared(connection.get_server_version().major), list(databases)
        )
        groups = _groups(object_rows)
        return ObservedServer(
            version_num=facts["version_num"],
            system_identifier=identifier,
            admin=facts["admin"],
            admin_is_superuser=facts["admin_is_superuser"],
            roles=_roles(
                [row for row in role_rows if is_legible(row["name"])],
                _settings(settings),
                password_is_readable=facts["may_read_passwords"],
            ),
            memberships=tuple(
                ObservedMembership(*row)
                for row in await connection.fetch(load(f"inspect/{memberships}"))
                if all(map(is_legible, row[:3]))
            ),
            databases=groups[DATABASES.kind],
            shared=tuple(group for row in SHARED for group in groups[row.kind]),
            is_in_recovery=facts["is_in_recovery"],
            lingering=frozenset(filter(is_legible, facts["lingering"])),
            prepared=tuple(sorted(map(legible, facts["prepared"] or ()))),
            granted_to=frozenset(filter(is_legible, facts["granted_to"] or ())),
            file_routines=tuple(
                (row["role"], row["routine"])
                for row in await connection.fetch(load("inspect/file_routines"))
                if is_legible(row["role"])
            ),
            illegible=_illegible(role_rows, object_rows),
            connected=frozenset(filter(is_legible, facts["connected"])),
            subscribers=frozenset(filter(is_legible, facts["subscribers"])),
        )


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
    rows: Iterable[asyncpg.Record],
    settings: dict[int, dict[SettingKey, str]],
    *,
    password_is_readable: bool,
) -> dict[str, ObservedRole]:
    return {
        row["name"]: ObservedRole(
            oid=row["oid"],
            name=row["name"],
            login=row["login"],
            attributes=Attributes(
                superuser=row["superuser"],
                createdb=row["createdb"],
                createrole=row["createrole"],
                inherit=row["inherit"],
                replication=row["replication"],
                bypassrls=row["bypassrls"],
            ),
            connection_limit=row["connection_limit"],
            valid_until=row["valid_until"],
            verifier=Verifier(row["verifier"]) if row["verifier"] is not None else None,
            password_is_readable=password_is_readable,
            settings=settings.get(row["oid"], {}),
        )
        for row in rows
    }


def _groups(rows: Iterable[asyncpg.Record]) -> Mapping[ObjectKind, tuple[ObjectGroup, ...]]:
    """By kind, the databases and what else all of them share."""
    acls = AclReader()
    found: dict[ObjectKind, list[ObjectGroup]] = {row.kind: [] for row in (DATABASES, *SHARED)}
    for row in rows:
        pairs = [p for p in zip(row["names"], row["oids"], strict=True) if is_legible(p[0])]
        if pairs:
            group = ObjectGroup(
                kind=ObjectKind(row["part"]),
                schema=None,
                owner=legible(row["owner"]),
                acl=acls.read(row["acl"]),
                names=tuple(name for name, _ in pairs),
                oids=tuple(oid for _, oid in pairs),
            )
            found[group.kind].append(group)
    return {kind: tuple(groups) for kind, groups in found.items()}


def _illegible(
    roles: Iterable[asyncpg.Record], objects: Iterable[asyncpg.Record]
) -> tuple[str, ...]:
    """The roles, databases and such that are left alone, each kind in one line."""
    found = {"roles": [row["oid"] for row in roles if not is_legible(row["name"])]}
    for row in objects:
        many = KINDS[ObjectKind(row["part"])].many
        found[many] = found.get(many, []) + [
            oid for name, oid in zip(row["names"], row["oids"], strict=True) if not is_legible(name)
        ]
    return tuple(left_alone(kind, oids) for kind, oids in found.items() if oids)
