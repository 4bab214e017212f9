"""The object that somebody asks about, found by what it is called. Pure.

`schema1.flights`, `"My Schema"."t"`, `schema1.f(integer)`, `schema1.flights.id` for a column, or
with its kind before it, `table/flights`, where several are called alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from regent.kinds import COLUMNS, DATABASES, KINDS, Naming, Row, Scope
from regent.observed import Acl, AclItem, ObjectGroup, ObservedDatabase, ObservedServer
from regent.plan.signatures import keys_of
from shared.errors import PostgRegentError
from shared.listing import first_of
from shared.names import quote_ident
from shared.privileges import PRIVILEGES_OF, ObjectKind, unknown_to
from shared.problems import nearest

_SHOWN = 5
_LAST = re.compile(r'\.("(?:[^"]|"")+"|[^."]+)$')
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*")
_SHORT = {"TEMP": "TEMPORARY"}


class NotFoundError(PostgRegentError):
    """No object is called so, or several are."""


@dataclass(frozen=True, slots=True)
class Target:
    """One object, or one column of one. `key` is what patterns are matched with."""

    kind: ObjectKind
    name: str
    """With its schema, as a person writes it."""
    schema: str | None
    key: str
    oid: int
    owner: str
    acl: Acl
    column: str = ""
    column_acl: Acl = ()
    is_extension_member: bool = False
    form: str = ""

    @property
    def shown(self) -> str:
        """`table schema1.flights`, `column id of table schema1.flights`."""
        row = KINDS[self.kind]
        form = row.forms.get(self.form)
        one = f"{form.one if form else row.one.removeprefix('trusted ')} {self.name}"
        return f"column {self.column} of {one}" if self.column else one

    @property
    def written(self) -> str:
        """As it can be asked for again: quoted where a name would else be read otherwise."""
        whole = self.name if self.schema is None else self.name.removeprefix(f"{self.schema}.")
        if KINDS[self.kind].naming is Naming.NAME:
            whole = _quoted(whole)
        parts = [whole] if self.schema is None else [_quoted(self.schema), whole]
        return ".".join([*parts, _quoted(self.column)] if self.column else parts)

    def items(self) -> Iterator[tuple[AclItem, bool]]:
        """What was granted on it, and whether on the column alone."""
        yield from ((item, False) for item in self.acl)
        yield from ((item, True) for item in self.column_acl)


@dataclass(frozen=True, slots=True)
class Question:
    """A privilege, and what an object was called: with its kind before it, or without."""

    privilege: str
    text: str
    rows: tuple[Row, ...]
    """The kinds that it may be of."""

    @property
    def kinds(self) -> frozenset[ObjectKind]:
        """For a reading."""
        return frozenset(row.kind for row in self.rows)

    @property
    def last_part(self) -> str:
        """What a column would be called."""
        return _unquoted(_split_last(self.text)[1])


def question(privilege: str, text: str, major: int) -> Question:
    """Raises NotFoundError for a privilege or kind that this version of PostgreSQL does not have.

    `text` may begin with a kind and a slash, `foreign-server/main`.
    """
    wanted = " ".join(privilege.upper().split())
    wanted = _SHORT.get(wanted, wanted)
    rows = tuple(row for row in KINDS.values() if row.since <= major)
    prefix, slash, rest = text.partition("/")
    by_name = {_word(row.kind): row for row in rows} | {
        form.one.replace(" ", "-"): row
        for row in rows
        if row is not COLUMNS
        for form in row.forms.values()
    }
    if slash and prefix.lower() in by_name:
        rows, text = (by_name[prefix.lower()],), rest
    fitting = tuple(
        row for row in rows if wanted in PRIVILEGES_OF[row.kind] - unknown_to(major, row.kind)
    )
    if not fitting:
        known = frozenset().union(*(PRIVILEGES_OF[row.kind] for row in rows))
        on = f" on a {rows[0].one}" if len(rows) == 1 else ""
        raise NotFoundError(
            f"{wanted!r} is no privilege{on} in PostgreSQL {major}.",
            way_out=f"{_meant(nearest(wanted, known))}Say one of {', '.join(sorted(known))}.",
        )
    return Question(wanted, text, fitting)


def parts_of(target: Target, database: ObservedDatabase) -> list[Target]:
    """The columns of a table that have an ACL of their own."""
    if target.kind is not COLUMNS.part_of:
        return []
    return [
        replace(target, kind=COLUMNS.kind, column=one.column, column_acl=one.acl)
        for one in database.columns
        if one.relation_oid == target.oid
    ]


def new_ones(target: Target, database: ObservedDatabase) -> Iterator[Target]:
    """What will be made of the target's kind in its schema, by each role with default privileges.

    What the creator gives itself is not in its ACL: an owner has everything anyway. They are no
    catalogs of PostgreSQL's own if the target is none, so its oid stands for theirs.
    """
    if target.column or target.schema is None:
        return
    for one in database.defaults:
        if one.kind is not target.kind or one.schema not in (None, target.schema):
            continue
        place = "every schema" if one.schema is None else f"schema {one.schema}"
        name = f"new {KINDS[one.kind].many} of {one.creator} in {place}"
        acl = tuple(item for item in one.acl if item.grantee != one.creator)
        yield Target(one.kind, name, one.schema, "", target.oid, one.creator, acl)


def called(asked: Question, server: ObservedServer, database: ObservedDatabase) -> list[Target]:
    """All objects that are called so."""
    return [one for row in asked.rows for one in _called(row, asked, server, database)]


def find(asked: Question, server: ObservedServer, database: ObservedDatabase) -> Target:
    """The object. Raises NotFoundError where there is none, or not only one."""
    found = called(asked, server, database)
    if len(found) == 1:
        return found[0]
    kinds = first_of(list(dict.fromkeys(row.one for row in asked.rows)), len(asked.rows))
    if not found:
        meant = _meant(_nearest(asked, server, database))
        raise NotFoundError(
            f"Nothing in {database.name!r} on which {asked.privilege} can be granted is called"
            f" {asked.text!r}: no {kinds.replace(', ', ', no ')}.",
            way_out=f"{meant}Write it with its schema; --database names another one. What"
            " PostgreSQL brought and nobody changed the privileges of is not looked at.",
        )
    named = sorted({f"{_word(one.kind)}/{one.written}" for one in found})
    raise NotFoundError(
        f"{len(found)} objects are called {asked.text!r}.",
        way_out=f"Say which: {first_of(named, _SHOWN)}.",
    )


def _meant(near: str | None) -> str:
    return f"Did you mean {near}? " if near else ""


def _nearest(asked: Question, server: ObservedServer, database: ObservedDatabase) -> str | None:
    """What is called nearly so, as it can be asked for; with its schema where one was given."""
    known: dict[str, str] = {}
    has_schema = bool(_split_last(asked.text)[0])
    for row in asked.rows:
        if row is COLUMNS:
            continue
        for group in _groups(row, server, database):
            schema = "" if group.schema is None else f"{_quoted(group.schema)}."
            is_plain = row.naming is Naming.NAME
            for name in group.names:
                whole = f"{schema}{_quoted(name) if is_plain else name}"
                known.setdefault(whole if has_schema else name, whole)
    near = nearest(asked.text, known)
    return known[near] if near else None


def _word(kind: ObjectKind) -> str:
    return kind.lower().replace(" ", "-")


def _called(
    row: Row, asked: Question, server: ObservedServer, database: ObservedDatabase
) -> Iterator[Target]:
    if row is COLUMNS:
        yield from _columns(row, asked, database)
        return
    groups = _groups(row, server, database)
    text = asked.text.lower() if row.naming is Naming.PARAMETER else asked.text
    found = [one for group in groups for one in _in_group(row, text, group)]
    if not found and row.is_there_without_a_row:
        yield Target(row.kind, text, None, text, 0, "", ())
    yield from found


def _groups(row: Row, server: ObservedServer, database: ObservedDatabase) -> Iterable[ObjectGroup]:
    if row is DATABASES:
        return server.databases
    if row.scope is Scope.SERVER:
        return [group for group in server.shared if group.kind is row.kind]
    return [group for group in database.groups if group.kind is row.kind]


def _in_group(row: Row, text: str, group: ObjectGroup) -> Iterator[Target]:
    keys = keys_of(group)
    before, opened, arguments_asked = text.partition("(")
    bare = f"{before}{opened}{arguments_asked.replace(' ', '')}"
    for position, name in enumerate(group.names):
        arguments = group.arguments[position] if group.arguments else None
        ways = set(_spellings(group.schema, name, arguments))
        if text in ways or bare in ways:
            written = name if group.schema is None else f"{group.schema}.{name}"
            yield Target(
                row.kind,
                written if arguments is None else f"{written}({arguments})",
                group.schema,
                keys[position],
                group.oids[position],
                group.owner,
                group.acl,
                is_extension_member=group.is_extension_member,
                form=group.relation_kind,
            )


def _spellings(schema: str | None, name: str, arguments: str | None) -> Iterator[str]:
    """What it may be called: plain or quoted, with and without its schema and its arguments."""
    schemas = [""] if schema is None else ["", f"{schema}.", f"{quote_ident(schema)}."]
    for before in schemas:
        for one in (name, quote_ident(name)):
            yield f"{before}{one}"
            if arguments is not None:
                yield f"{before}{one}({arguments})"
                yield f"{before}{one}({arguments.replace(' ', '')})"


def _columns(row: Row, asked: Question, database: ObservedDatabase) -> Iterator[Target]:
    """Columns with an ACL of their own and without: they are parts of what is asked for."""
    whole, column = _split_last(asked.text)
    column = _unquoted(column)
    present = database.columns_present.get(column, frozenset())
    own = {
        (one.relation_oid, one.column): one.acl for one in database.columns if one.column == column
    }
    for group in database.groups if whole and row.part_of else ():
        if group.kind is not row.part_of:
            continue
        for one in _in_group(row, whole, group):
            if one.oid in present:
                yield Target(
                    row.kind,
                    one.name,
                    one.schema,
                    one.key,
                    one.oid,
                    one.owner,
                    one.acl,
                    column,
                    own.get((one.oid, column), ()),
                    one.is_extension_member,
                    one.form,
                )


def _split_last(text: str) -> tuple[str, str]:
    """`a.b."c.d"` is `a.b` and `"c.d"`."""
    found = _LAST.search(text)
    return (text[: found.start()], found[1]) if found else ("", text)


def _unquoted(name: str) -> str:
    is_quoted = len(name) > 1 and name[0] == name[-1] == '"'
    return name[1:-1].replace('""', '"') if is_quoted else name


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else quote_ident(name)
