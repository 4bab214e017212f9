r"""A server's roles and privileges as plain SQL, to be run after a restore of its data. Pure.

Everything that was read, also what no declaration says: superusers, grantors, owners. Run as a
superuser by psql, which follows `\connect`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from regent.export.role_statements import altered, settings
from regent.export.statements import (
    default_grants,
    default_revokes,
    given_as,
    grants,
    membership,
    on,
    owned,
    revokes,
)
from regent.kinds import DATABASES, KINDS, Row
from regent.observed import (
    Acl,
    AclItem,
    ObjectGroup,
    Observed,
    ObservedColumn,
    ObservedDatabase,
    ObservedDefault,
    ObservedMembership,
    ObservedServer,
)
from regent.plan.matching import is_system
from regent.reach import SYSTEM_PREFIX
from shared.errors import PostgRegentError
from shared.names import quote_ident, quote_literal, quote_qualified
from shared.printable import printable
from shared.privileges import unknown_to


class NoCommandError(PostgRegentError):
    """No command of psql says this."""


_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
NEVER_READ = "ALTER DATABASE … SET and ALTER ROLE ALL SET"
BOOTSTRAP_OID = 10
"""The first role of all is there in every new cluster."""


def recovery(observed: Observed, *, with_passwords: bool) -> Iterator[str]:
    """One line each: what is shared first, then each database."""
    server = observed.server
    ours = [role for name, role in sorted(server.roles.items()) if not _is_built_in(name)]
    for role in ours:
        if role.oid != BOOTSTRAP_OID:
            yield f"CREATE ROLE {quote_ident(role.name)};"
        yield altered(role)
        if with_passwords and role.verifier is not None:
            secret = quote_literal(role.verifier.value)
            yield f"ALTER ROLE {quote_ident(role.name)} PASSWORD {secret};"
        yield from settings(role)
    for row in in_order(server.memberships, _bootstrap(server)):
        if not _is_built_in(row.member):
            yield membership(row, server.major)
    for group, index in _by_name((*server.databases, *server.shared)):
        if group.kind is not DATABASES.kind:
            yield from _of_object(group, index, server.major)
        elif group.names[index] in observed.databases:
            yield owned(group, index)
            yield from _of_object(group, index, server.major)
    for name, reading in observed.databases.items():
        yield connect(name)
        yield from _of_database(reading, server.major)
    yield from _not_in_here(observed)


def _not_in_here(observed: Observed) -> Iterator[str]:
    for name in sorted(observed.server.database_names - observed.databases.keys()):
        yield f"-- Not read: database {printable(name)}. Add --database for it."
    yield f"-- Not read: {NEVER_READ}."
    yield from (f"-- Left out: {text}" for text in map(printable, observed.illegible))


def connect(database: str) -> str:
    """The psql command. What is not a plain name stands in a connection string."""
    if _PLAIN.fullmatch(database):
        return f'\\connect "{database}"'
    if "\n" in database or "\r" in database:
        raise NoCommandError(
            f"psql cannot connect to {printable(database)!r}: its name has a line break.",
            way_out="Rename the database.",
        )
    value = database.replace("\\", "\\\\").replace("'", "\\'").replace('"', '""')
    return f"\\connect -reuse-previous=on \"dbname='{value}'\""


def in_order(rows: Iterable[ObservedMembership], bootstrap: str) -> Iterator[ObservedMembership]:
    """Whoever gave a membership had ADMIN by one before it; what has no beginning comes last."""
    waiting = sorted(rows, key=lambda row: (row.group, row.member, row.grantor))
    able = {(row.group, bootstrap) for row in waiting}
    while ready := [row for row in waiting if (row.group, row.grantor) in able]:
        yield from ready
        able |= {(row.group, row.member) for row in ready if row.admin}
        waiting = [row for row in waiting if row not in ready]
    yield from waiting


def _bootstrap(server: ObservedServer) -> str:
    return next((role.name for role in server.roles.values() if role.oid == BOOTSTRAP_OID), "")


def _of_database(reading: ObservedDatabase, major: int) -> Iterator[str]:
    objects = _by_name(reading.groups)
    for group, index in objects:
        if not group.is_extension_member and not _is_system(group):
            yield owned(group, index)
    for group, index in objects:
        yield from _of_object(group, index, major)
    for column in sorted(reading.columns, key=lambda one: (one.schema, one.relation, one.column)):
        yield from _of_column(column)
    for default in sorted(reading.defaults, key=lambda one: (one.creator, one.schema or "")):
        yield from _of_default(default, major)


def _by_name(groups: Iterable[ObjectGroup]) -> list[tuple[ObjectGroup, int]]:
    """Each object by itself; PostgreSQL's own schemas are not restored."""
    found = [
        (group, index)
        for group in groups
        for index, name in enumerate(group.names)
        if not (KINDS[group.kind].is_container and is_system(name))
    ]
    kinds = list(KINDS)
    return sorted(found, key=lambda one: (kinds.index(one[0].kind), one[0].schema or "", on(*one)))


def _of_object(group: ObjectGroup, index: int, major: int) -> Iterator[str]:
    what, row = on(group, index), KINDS[group.kind]
    if not _is_system(group) and not group.is_extension_member:
        yield from _taken(group.acl, group.owner, row, what, major)
    yield from _given(_beyond(group.acl, group.owner, row), group.owner, what)


def _of_column(column: ObservedColumn) -> Iterator[str]:
    what = f"TABLE {quote_qualified(column.schema, column.relation)}"
    yield from _given(column.acl, column.owner, what, (column.column,))


def _of_default(default: ObservedDefault, major: int) -> Iterator[str]:
    row, acl = KINDS[default.kind], default.acl
    if default.schema is None:
        for grantee, some in _missing(acl, default.creator, row, major):
            yield from default_revokes(default, grantee, some)
        acl = _beyond(acl, default.creator, row)
    for item in sorted(acl, key=lambda one: one.grantee or ""):
        yield from default_grants(default, item)


def _taken(acl: Acl, owner: str, row: Row, what: str, major: int) -> Iterator[str]:
    for grantee, some in _missing(acl, owner, row, major):
        yield revokes(grantee, some, what)


def _missing(
    acl: Acl, owner: str, row: Row, major: int
) -> Iterator[tuple[str | None, frozenset[str]]]:
    """What a new object of the kind has, and this one has not."""
    whole = row.privileges - unknown_to(major, row.kind)
    for grantee, some in ((None, built_in(row)), (owner, whole)):
        has = (item.privileges for item in acl if item.grantee == grantee)
        if left := some - frozenset[str]().union(*has):
            yield grantee, left


def built_in(row: Row) -> frozenset[str]:
    """What PUBLIC has on a new object of a kind."""
    return frozenset(row.of_public) if row.new_ones is None else row.new_ones.of_public


def _beyond(acl: Acl, owner: str, row: Row) -> Acl:
    """The items that a new object of the kind does not have."""
    return tuple(
        item
        for item in acl
        if item.grantee != owner and not (item.grantee is None and item.privileges <= built_in(row))
    )


def _given(
    acl: Sequence[AclItem], owner: str, what: str, columns: tuple[str, ...] = ()
) -> Iterator[str]:
    """Grants of the owner first, then of whoever has the option by one before."""
    waiting = [item for item in acl if item.grantee is None or not _is_built_in(item.grantee)]
    waiting.sort(key=lambda item: (item.grantor, item.grantee or ""))
    able = {owner}
    while waiting:
        ready = [item for item in waiting if item.grantor in able] or waiting
        for item in ready:
            some = grants(item, what, columns)
            yield from some if item.grantor == owner else given_as(item.grantor, some)
            able |= {item.grantee} if item.grantee is not None and item.grantable else set()
        waiting = [item for item in waiting if item not in ready]


def _is_built_in(role: str) -> bool:
    return role.startswith(SYSTEM_PREFIX)


def _is_system(group: ObjectGroup) -> bool:
    return group.is_out_of_reach or is_system(group.schema or "")
