"""What is on the server and in no manifest: roles, grantors, owners, names. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from regent.export.asked import Read
from regent.export.held import objects_by_owner
from regent.export.role_statements import role_statements
from regent.export.statements import given_as, grants, membership, on, owned
from regent.export.unsaid import Unsaid
from regent.export.who import Who
from regent.kinds import DATABASES, KINDS
from regent.observed import Acl, Observed
from regent.plan.matching import is_system
from shared.listing import first_of
from shared.names import quote_qualified

MOST_NAMED = 5


def undeclared(read: Read, found: Who) -> Iterator[Unsaid]:
    """In the order in which a person would look at it."""
    observed = read.observed
    for name, why in found.left_out.items():
        yield Unsaid(f"role {name}", why, role_statements(observed, name))
    if found.not_asked:
        named = first_of(sorted(found.not_asked), MOST_NAMED)
        yield Unsaid(f"{len(found.not_asked)} roles", f"they were not asked for: {named}")
    yield from _grantors(observed, found)
    yield from _members(observed, found)
    yield from _owners(observed, found)
    for text in observed.illegible:
        yield Unsaid("names that are not UTF-8", text)


def _grantors(observed: Observed, found: Who) -> Iterator[Unsaid]:
    """Who gave it: a declaration knows what is held, and not from whom."""
    statements: list[str] = []

    def note(acl: Acl, owner: str, what: str, columns: tuple[str, ...] = ()) -> None:
        for item in acl:
            if item.grantee in found.chosen and item.grantor != owner:
                statements.extend(given_as(item.grantor, grants(item, what, columns)))

    for reading in observed.databases.values():
        for group in reading.groups:
            for index in range(len(group.names)):
                note(group.acl, group.owner, on(group, index))
        for column in reading.columns:
            what = f"TABLE {quote_qualified(column.schema, column.relation)}"
            note(column.acl, column.owner, what, (column.column,))
    if statements:
        yield Unsaid(
            "who granted what, where that is not the owner",
            "a declaration says what is held and not from whom; what is there stays as it is",
            tuple(statements),
        )


def _members(observed: Observed, found: Who) -> Iterator[Unsaid]:
    rows = [
        row
        for row in observed.server.memberships
        if row.group in found.chosen and row.member not in found.chosen
    ]
    if rows:
        yield Unsaid(
            "members that are not declared themselves",
            "their membership in declared roles is left alone",
            tuple(membership(row, observed.server.major) for row in rows),
        )


def _owners(observed: Observed, found: Who) -> Iterator[Unsaid]:
    """Of schemas and databases a declaration says it, of what stands in a schema it does not."""
    lines: dict[tuple[str, str, str], list[str]] = {}
    for reading in observed.databases.values():
        for (schema, kind, owner), count in sorted(objects_by_owner(reading).items()):
            row = KINDS[kind]
            words = f"{count} {row.one if count == 1 else row.many}"
            lines.setdefault((reading.name, schema, owner), []).append(words)
    if lines:
        yield Unsaid(
            "owners of what stands in schemas",
            "only owners of schemas and databases are declared; these stay as they are",
            tuple(
                f"-- {', '.join(some)} in {schema} of {database}: {owner}"
                for (database, schema, owner), some in lines.items()
            ),
        )
    others = tuple(_owned_by_others(observed, found))
    if others:
        yield Unsaid(
            "schemas and databases of roles that are not declared", "they stay as they are", others
        )


def _owned_by_others(observed: Observed, found: Who) -> Iterator[str]:
    groups = [group for reading in observed.databases.values() for group in reading.groups]
    for group in (*groups, *observed.server.databases):
        is_container = KINDS[group.kind].is_container or group.kind is DATABASES.kind
        if is_container and group.owner not in found.chosen:
            for index, name in enumerate(group.names):
                is_meant = KINDS[group.kind].is_container or name in observed.databases
                if is_meant and not is_system(name):
                    yield owned(group, index)
