"""Generated declarations of every kind, and what they mean: a second, naive reading of the rules.

Nothing of `regent` is used here: what holds is reckoned from docs/rules.md with loops over all that
is there, object by object and role by role.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from hypothesis import strategies as st

from shared.privileges import ObjectKind

ROLES = ("r1", "r2", "r3")
USERS = ("u1", "u2")
NAMES = (*ROLES, *USERS)
STRANGER = "stranger"
CREATOR = "app_owner"
OWN = ("own_1", "own_2")
PUBLIC = "PUBLIC"
RIGHTS = ("connect", "temporary", "schemaCreate", "execute", "usage", "other")
VERIFIER = "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$" + "A" * 43 + "=:" + "B" * 43 + "="

Fact = tuple[str, ...]
Selected = Mapping[str, tuple[str | int, ...]]

PRIVILEGES: Mapping[ObjectKind, tuple[str, ...]] = {
    ObjectKind.DATABASE: ("CONNECT", "CREATE", "TEMPORARY"),
    ObjectKind.SCHEMA: ("CREATE", "USAGE"),
    ObjectKind.TABLE: (
        "DELETE", "INSERT", "MAINTAIN", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE",
    ),
    ObjectKind.COLUMN: ("INSERT", "REFERENCES", "SELECT", "UPDATE"),
    ObjectKind.SEQUENCE: ("SELECT", "UPDATE", "USAGE"),
    ObjectKind.ROUTINE: ("EXECUTE",),
    ObjectKind.TYPE: ("USAGE",),
    ObjectKind.LANGUAGE: ("USAGE",),
    ObjectKind.FOREIGN_DATA_WRAPPER: ("USAGE",),
    ObjectKind.FOREIGN_SERVER: ("USAGE",),
    ObjectKind.LARGE_OBJECT: ("SELECT", "UPDATE"),
    ObjectKind.TABLESPACE: ("CREATE",),
    ObjectKind.PARAMETER: ("ALTER SYSTEM", "SET"),
}  # fmt: skip
"""From the manual of PostgreSQL 18, tables 5.1 and 5.2."""

FIELDS: Mapping[ObjectKind, tuple[str, tuple[tuple[str | int, ...], ...]]] = {
    ObjectKind.TABLE: ("tables", (("*",), ("flights",), ("b*", "stock"), ("*s",))),
    ObjectKind.COLUMN: ("tables", (("flights",), ("*",), ("flights", "crews"))),
    ObjectKind.SEQUENCE: ("sequences", (("*",), ("ticket_numbers",), ("*_seq",))),
    ObjectKind.ROUTINE: ("routines", (("*",), ("flight_count(integer)",), ("flight_count",))),
    ObjectKind.TYPE: ("types", (("*",), ("mood", "colour"), ("mi*",))),
    ObjectKind.LANGUAGE: ("languages", (("lang_*",), ("lang_a",))),
    ObjectKind.FOREIGN_DATA_WRAPPER: ("foreignDataWrappers", (("wrap_*",), ("wrap_b",))),
    ObjectKind.FOREIGN_SERVER: ("foreignServers", (("*",), ("far_a",))),
    ObjectKind.LARGE_OBJECT: ("largeObjects", ((50001,), (50001, 50002))),
    ObjectKind.TABLESPACE: ("tablespaces", (("pg_default",),)),
    ObjectKind.PARAMETER: ("parameters", (("log_duration",), ("log_duration", "myapp.tenant"))),
}
"""The field that lists the objects of a kind, and what may stand in it."""
SCHEMAS = (("schema1",), ("schema*",), ("*",), ("own_1", "schema2"), ("own_*",))
IN_SCHEMA = (
    ObjectKind.TABLE, ObjectKind.COLUMN, ObjectKind.SEQUENCE, ObjectKind.ROUTINE, ObjectKind.TYPE,
)  # fmt: skip
COLUMNS = (("flight_id", "origin"), ("origin",), ("code", "captain", "item"))
SERIALS = {
    ("schema1", "flights"): "flights_flight_id_seq",
    ("schema2", "crews"): "crews_crew_id_seq",
    ("schema2", "audit_log"): "audit_log_entry_id_seq",
}
"""The tables with a serial column, and its sequence."""
SETTINGS = (("work_mem", "8MB"), ("work_mem", "16MB"), ("search_path", "schema1"))
DEFAULTS = {
    "tables": ("r", ObjectKind.TABLE, ("DELETE", "INSERT", "SELECT")),
    "sequences": ("S", ObjectKind.SEQUENCE, ("SELECT", "USAGE")),
    "routines": ("f", ObjectKind.ROUTINE, ("EXECUTE",)),
    "types": ("T", ObjectKind.TYPE, ("USAGE",)),
    "schemas": ("n", ObjectKind.SCHEMA, ("CREATE", "USAGE")),
    "largeObjects": ("L", ObjectKind.LARGE_OBJECT, ("SELECT",)),
}


@dataclass(frozen=True)
class Thing:
    """One object as the catalog has it."""

    kind: str
    schema: str
    name: str
    col: str = ""

    def is_in(self, selected: Selected, listed: str) -> bool:
        """Whether a Permission names it."""
        schemas = selected.get("schemas", ())
        names = selected.get(listed, ())
        if self.kind == ObjectKind.SCHEMA:
            return _like(self.name, schemas)
        if schemas and not _like(self.schema, schemas):
            return False
        if self.kind == ObjectKind.ROUTINE:
            plain = self.name.partition("(")[0]
            return any(
                self.name == one if "(" in str(one) else _like(plain, (one,)) for one in names
            )
        if self.kind == ObjectKind.DATABASE:
            return not names
        columns = selected.get("columns", ())
        return _like(self.name, names) and (not columns or self.col in columns)


def _like(name: str, patterns: Iterable[str | int]) -> bool:
    return any(fnmatchcase(name, str(one)) for one in patterns)


@dataclass(frozen=True)
class Permit:
    """One Permission."""

    kind: ObjectKind
    selected: Selected
    actions: tuple[str, ...]
    grantable: bool
    implied: bool

    @property
    def spec(self) -> dict[str, Any]:
        given = {name: list(values) for name, values in self.selected.items()}
        flags = {"withGrantOption": self.grantable, "implied": self.implied}
        return {"database": "mydb", "actions": list(self.actions), **given, **flags}

    def facts(self, things: Iterable[Thing], grantee: str, major: int) -> Iterator[Fact]:
        """What it gives, with what comes along."""
        listed = FIELDS[self.kind][0] if self.kind in FIELDS else ""
        privileges = PRIVILEGES[self.kind] if "ALL" in self.actions else self.actions
        known = [one for one in privileges if one != "MAINTAIN" or major >= 17]
        for thing in things:
            if thing.kind != self.kind or not thing.is_in(self.selected, listed):
                continue
            for privilege in known:
                yield from _facts_of(thing, grantee, privilege, grantable=self.grantable)
            if not self.implied or self.kind not in IN_SCHEMA:
                continue
            yield from _facts_of(Thing("SCHEMA", "", thing.schema), grantee, "USAGE")
            serial = SERIALS.get((thing.schema, thing.name))
            if "INSERT" in known and serial and self.kind in (ObjectKind.TABLE, ObjectKind.COLUMN):
                yield from _facts_of(Thing("SEQUENCE", thing.schema, serial), grantee, "USAGE")


def _facts_of(
    thing: Thing, grantee: str, privilege: str, *, grantable: bool = False
) -> Iterator[Fact]:
    for what in ("acl", "option") if grantable else ("acl",):
        yield (what, thing.kind, thing.schema, thing.name, thing.col, grantee, privilege)


@dataclass(frozen=True)
class Grantee:
    """One Role or User."""

    name: str
    permits: tuple[int, ...] = ()
    groups: tuple[tuple[str, bool, bool, bool], ...] = ()
    """Group, ADMIN, INHERIT, SET."""
    settings: tuple[tuple[str, str], ...] = ()
    settings_here: tuple[tuple[str, str], ...] = ()
    createdb: bool = False
    inherit: bool = True
    defaults: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """Objects, schema or none, actions."""
    limit: int = -1
    is_enabled: bool = True

    @property
    def is_user(self) -> bool:
        return self.name in USERS

    def spec(self, owned: Mapping[str, tuple[str, bool]]) -> dict[str, Any]:
        schemas = [
            {"name": schema, "create": True, "objects": objects}
            for schema, (owner, objects) in owned.items()
            if owner == self.name
        ]
        spec: dict[str, Any] = {
            "database": "mydb",
            "permissions": [f"p{one}" for one in self.permits],
            "memberOf": [
                {"role": group, "admin": admin, "inherit": inherit, "set": may_set}
                for group, admin, inherit, may_set in self.groups
            ],
            "parameters": dict(self.settings),
            "databaseParameters": {"mydb": dict(self.settings_here)},
            "attributes": {"createdb": self.createdb, "inherit": self.inherit},
            "reassignOwnedTo": CREATOR,
            "owns": {"schemas": schemas},
        }
        if self.is_user:
            return {
                **spec,
                "connectionLimit": self.limit,
                "enabled": self.is_enabled,
                "passwordSecretRef": {"name": "s", "key": self.name},
            }
        spec["defaultPrivileges"] = [
            {
                "creator": CREATOR,
                "objects": objects,
                "actions": list(actions),
                **({"schemas": [schema]} if schema else {}),
            }
            for objects, schema, actions in self.defaults
        ]
        return spec

    def facts(self, major: int) -> Iterator[Fact]:
        """What it is, beside what is on objects."""
        yield ("role", self.name)
        yield ("limit", self.name, str(self.limit))
        yield ("until", self.name, "infinity")
        if self.is_user:
            yield ("password", self.name, VERIFIER)
        attributes = {"CREATEDB": self.createdb, "INHERIT": self.inherit}
        attributes["LOGIN"] = self.is_user and self.is_enabled
        yield from (("attribute", self.name, one) for one, holds in attributes.items() if holds)
        for where, settings in (("", self.settings), ("mydb", self.settings_here)):
            yield from (("setting", self.name, where, f"{n}={v}") for n, v in settings)
        for group, admin, inherit, may_set in self.groups:
            options = {"at all": True, "ADMIN": admin}
            options |= {"INHERIT": inherit or major < 16, "SET": may_set or major < 16}
            yield from (
                ("member", group, self.name, one) for one, holds in options.items() if holds
            )
        for objects, schema, actions in () if self.is_user else self.defaults:
            if objects == "largeObjects" and major < 18:
                continue
            letter = DEFAULTS[objects][0]
            yield from (("default", CREATOR, schema, letter, self.name, one) for one in actions)


@dataclass(frozen=True)
class World:
    """All that is declared at one time."""

    permits: tuple[Permit, ...]
    grantees: tuple[Grantee, ...]
    owned: Mapping[str, tuple[str, bool]]
    """By schema, its owner, and whether what stands in it is its owner's."""
    declared: frozenset[str] = frozenset()
    """Rights of PUBLIC."""
    of_public: tuple[int, ...] = ()
    regent: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        listed = dict.fromkeys(sorted(self.declared), "Declared")
        object.__setattr__(self, "regent", {"publicPrivileges": listed} if listed else {})

    @property
    def names(self) -> frozenset[str]:
        return frozenset(one.name for one in self.grantees)

    @property
    def text(self) -> str:
        found: dict[str, Any] = {
            f"Permission/p{number}": one.spec for number, one in enumerate(self.permits)
        }
        for one in self.grantees:
            kind = "User" if one.is_user else "Role"
            found[f"{kind}/{one.name}"] = one.spec(self.owned)
        if self.declared:
            listed = [f"p{number}" for number in self.of_public]
            found["Role/everybody"] = {"database": "mydb", "public": True, "permissions": listed}
        return json.dumps(found)

    def facts(self, things: Iterable[Thing], major: int) -> Iterator[Fact]:
        """All that its roles shall have, and be; who owns something has it by that."""
        things = tuple(things)
        for one in self.grantees:
            yield from one.facts(major)
            for number in one.permits:
                yield from self.permits[number].facts(things, one.name, major)

    def perhaps(self, owners: Iterable[tuple[Thing, str]]) -> frozenset[Fact]:
        """What a creator's objects may have by a default privilege, or have lost (ADR 35)."""
        return frozenset(
            fact
            for one in self.grantees
            for objects, schema, actions in one.defaults
            for thing, owner in owners
            if owner == CREATOR and thing.kind == DEFAULTS[objects][1]
            if schema in ("", thing.schema)
            for action in actions
            for fact in _facts_of(thing, one.name, action)
        )

    def of_everybody(self, things: Iterable[Thing], major: int) -> frozenset[Fact]:
        """What PUBLIC shall have of what is declared for it."""
        things = tuple(things)
        found: set[Fact] = set()
        for number in self.of_public:
            one = self.permits[number]
            given = list(one.facts(things, PUBLIC, major))
            # Nothing comes along with what is not given.
            own = {right_of(fact) for fact in given if fact[1] == one.kind}
            if not own.isdisjoint(self.declared):
                found.update(fact for fact in given if right_of(fact) in self.declared)
        return frozenset(found)

    def owners(self) -> Iterator[tuple[str, str, bool]]:
        """Schema, owner, and whether of all that stands in it."""
        for schema, (owner, objects) in self.owned.items():
            yield schema, owner, objects


def right_of(fact: Fact) -> str | None:
    """Which right of PUBLIC a privilege is (rule 11); None for what no Regent manages."""
    kind, privilege = fact[1], fact[6]
    named = {
        ("DATABASE", "CONNECT"): "connect",
        ("DATABASE", "TEMPORARY"): "temporary",
        ("SCHEMA", "CREATE"): "schemaCreate",
        ("ROUTINE", "EXECUTE"): "execute",
        ("TYPE", "USAGE"): "usage",
        ("LANGUAGE", "USAGE"): "usage",
    }
    if kind in ("TABLESPACE", "PARAMETER"):
        return None
    return named.get((kind, privilege), "other")


@st.composite
def permits(draw: st.DrawFn, major: int, *, of_public: bool = False) -> Permit:
    outside = (ObjectKind.TABLESPACE, ObjectKind.PARAMETER)
    kinds = [k for k in PRIVILEGES if not (of_public and k in outside)]
    kinds = [k for k in kinds if k is not ObjectKind.PARAMETER or major >= 15]
    kind = draw(st.sampled_from(kinds))
    selected: dict[str, tuple[str | int, ...]] = {}
    if kind in IN_SCHEMA or kind is ObjectKind.SCHEMA:
        selected["schemas"] = draw(st.sampled_from(SCHEMAS))
    if kind in FIELDS:
        listed, choices = FIELDS[kind]
        selected[listed] = draw(st.sampled_from(choices))
    if kind is ObjectKind.COLUMN:
        selected["columns"] = draw(st.sampled_from(COLUMNS))
    known = [one for one in PRIVILEGES[kind] if one != "MAINTAIN" or major >= 17]
    words = st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True).map(tuple)
    if kind is not ObjectKind.COLUMN:
        words |= st.just(("ALL",))
    grantable = False if of_public else draw(st.booleans())
    return Permit(kind, selected, draw(words), grantable, draw(st.booleans()))


def _default(draw: st.DrawFn, major: int) -> tuple[str, str, tuple[str, ...]]:
    kinds = [one for one in DEFAULTS if one != "largeObjects" or major >= 18]
    objects = draw(st.sampled_from(kinds))
    in_schema = objects not in ("schemas", "largeObjects")
    schema = draw(st.sampled_from(("", "schema1"))) if in_schema else ""
    words = st.lists(st.sampled_from(DEFAULTS[objects][2]), min_size=1, unique=True)
    return objects, schema, tuple(sorted(draw(words)))


@st.composite
def grantees(
    draw: st.DrawFn, name: str, major: int, number: int, there: tuple[str, ...]
) -> Grantee:
    """`there` are the Roles that it may be a member of: those before it."""
    groups = draw(st.lists(st.sampled_from(there), unique=True, max_size=2)) if there else []
    flags = st.tuples(st.booleans(), st.booleans(), st.booleans())
    # Options exist from 16 on.
    options = [draw(flags) for _ in groups]
    options = [(a, i or major < 16, s or major < 16) for a, i, s in options]
    some = st.lists(st.sampled_from(SETTINGS), max_size=2, unique_by=lambda one: one[0]).map(tuple)
    listed = (
        st.lists(st.integers(0, number - 1), unique=True, max_size=4) if number else st.just([])
    )
    is_user = name in USERS
    return Grantee(
        name,
        permits=tuple(sorted(draw(listed))),
        groups=tuple((g, *o) for g, o in zip(groups, options, strict=True)),
        settings=draw(some),
        settings_here=draw(some),
        createdb=draw(st.booleans()),
        inherit=draw(st.booleans()),
        defaults=()
        if is_user
        else tuple(
            {
                d[:2]: d for d in (_default(draw, major) for _ in range(draw(st.integers(0, 2))))
            }.values()
        ),
        limit=draw(st.sampled_from((-1, 5))) if is_user else -1,
        is_enabled=draw(st.booleans()) if is_user else True,
    )


@st.composite
def worlds(draw: st.DrawFn, major: int, objects: bool) -> World:
    """`objects`: what stands in owned schemas is their owners', too."""
    number = draw(st.integers(1, 6))
    chosen = [draw(permits(major)) for _ in range(number)]
    for_public = [draw(permits(major, of_public=True)) for _ in range(draw(st.integers(0, 2)))]
    names = ["r1", *draw(st.lists(st.sampled_from(NAMES[1:]), unique=True))]
    names.sort(key=NAMES.index)
    found = []
    for place, name in enumerate(names):
        there = tuple(one for one in names[:place] if one in ROLES)
        found.append(draw(grantees(name, major, number, there)))
    owned = {schema: (draw(st.sampled_from(names)), objects) for schema in OWN}
    declared = draw(st.frozensets(st.sampled_from(RIGHTS)))
    return World(
        permits=(*chosen, *for_public),
        grantees=tuple(found),
        owned=owned,
        declared=declared,
        of_public=tuple(range(number, number + len(for_public))),
    )


ON = {
    ObjectKind.DATABASE: ("DATABASE mydb",),
    ObjectKind.SCHEMA: ("SCHEMA schema1", "SCHEMA schema2", "SCHEMA own_1"),
    ObjectKind.TABLE: ("TABLE schema1.flights", "TABLE schema2.crews", "TABLE own_1.stock"),
    ObjectKind.COLUMN: ("TABLE schema1.flights", "TABLE own_2.stock"),
    ObjectKind.SEQUENCE: ("SEQUENCE schema1.ticket_numbers", "SEQUENCE own_1.counter"),
    ObjectKind.ROUTINE: ("FUNCTION schema1.flight_count()", "FUNCTION schema2.total(integer)"),
    ObjectKind.TYPE: ("TYPE schema1.mood", "TYPE schema1.miles"),
    ObjectKind.LANGUAGE: ("LANGUAGE lang_a",),
    ObjectKind.FOREIGN_DATA_WRAPPER: ("FOREIGN DATA WRAPPER wrap_a",),
    ObjectKind.FOREIGN_SERVER: ("FOREIGN SERVER far_a",),
    ObjectKind.LARGE_OBJECT: ("LARGE OBJECT 50001",),
}


@st.composite
def deeds(draw: st.DrawFn, major: int) -> str:
    """What somebody does behind our back; the server may refuse it."""
    name, other = draw(st.sampled_from(NAMES)), draw(st.sampled_from((*NAMES, STRANGER)))
    which = draw(st.integers(0, 9))
    if which == 0:
        return f"GRANT {name} TO {other} WITH ADMIN OPTION"
    if which == 1:
        return draw(
            st.sampled_from(
                (
                    f"ALTER ROLE {name} CREATEROLE BYPASSRLS NOINHERIT CREATEDB",
                    f"ALTER ROLE {name} SET work_mem = '32MB'",
                    f"ALTER ROLE {name} IN DATABASE mydb SET search_path = schema2",
                    f"ALTER ROLE {name} RESET ALL",
                    f"ALTER ROLE {name} NOLOGIN CONNECTION LIMIT 1",
                    f"REVOKE {name} FROM {other}",
                    f"GRANT {STRANGER} TO {name}",
                )
            )
        )
    if which == 2:
        what = draw(st.sampled_from(("SELECT ON TABLES", "EXECUTE ON FUNCTIONS", "ALL ON TYPES")))
        where = draw(st.sampled_from(("", " IN SCHEMA schema1")))
        return f"ALTER DEFAULT PRIVILEGES FOR ROLE {CREATOR}{where} GRANT {what} TO {name}"
    kind = draw(st.sampled_from(sorted(ON)))
    on = draw(st.sampled_from(ON[kind]))
    columns = " (origin, flight_id)" if "flights" in on else " (item)"
    columns = columns if kind is ObjectKind.COLUMN else ""
    known = [one for one in PRIVILEGES[kind] if one != "MAINTAIN" or major >= 17]
    what = f"{draw(st.sampled_from(known))}{columns} ON {on}"
    if which == 3:
        return f"REVOKE {what} FROM {name} CASCADE"
    if which == 4:
        return f"REVOKE {what} FROM PUBLIC"
    if which == 5:
        return f"GRANT {what} TO PUBLIC"
    if which in (6, 7):
        # What a role was given with the grant option it passes on.
        lender = draw(st.sampled_from((*NAMES, STRANGER)))
        return (
            f"GRANT {what} TO {lender} WITH GRANT OPTION; SET ROLE {lender};"
            f" GRANT {what} TO {name if lender != name else other}"
        )
    option = draw(st.sampled_from(("", " WITH GRANT OPTION")))
    return f"GRANT {what} TO {draw(st.sampled_from((name, other)))}{option}"
