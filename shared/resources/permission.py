"""Permission: which actions, on which objects of one database (rules 13 to 16)."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic.alias_generators import to_snake

from shared.privileges import ACTIONS, ALL, PRIVILEGES_OF, ObjectKind
from shared.resources.base import API_VERSION, Breach, Flag, Part, Whole, refuse
from shared.resources.names import (
    Identifier,
    NamePattern,
    Routine,
    SettingName,
)
from shared.resources.references import LabelSelector
from shared.resources.resource import Resource

_OTHER_WORDS = {
    "READ": "SELECT",
    "VIEW": "SELECT",
    "WRITE": "INSERT, UPDATE, DELETE",
    "MODIFY": "INSERT, UPDATE, DELETE",
    "ADD": "INSERT",
    "CHANGE": "UPDATE",
    "EDIT": "UPDATE",
    "REMOVE": "DELETE",
    "RUN": "EXECUTE",
    "EXEC": "EXECUTE",
    "CALL": "EXECUTE",
    "USE": "USAGE",
    "LOGIN": "CONNECT",
    "TEMP": "TEMPORARY",
    "ALL PRIVILEGES": "ALL",
    "*": "ALL",
    "ADMIN": "ALL",
}
"""What people call a privilege that has another name in PostgreSQL."""
_ALIKE = 0.7


def _known_action(value: str) -> str:
    if value in ACTIONS:
        return value
    if value.upper() in ACTIONS:
        raise refuse("is not in upper case", f"write {value.upper()}")
    known = f"there are {', '.join(sorted(ACTIONS))}"
    word = value.strip().upper()
    if meant := _OTHER_WORDS.get(word):
        raise refuse("is not an action", f"write {meant}; {known}")
    near = get_close_matches(word, sorted(ACTIONS), n=1, cutoff=_ALIKE)
    raise refuse("is not an action", f"did you mean {near[0]}?" if near else known)


Action = Annotated[
    str,
    AfterValidator(_known_action),
    WithJsonSchema({"type": "string", "enum": sorted(ACTIONS)}),
]

SCHEMA_QUALIFIED = ("tables", "sequences", "routines", "types", "propertyGraphs")
KIND_OF_FIELD: dict[str, ObjectKind] = {
    "tables": ObjectKind.TABLE,
    "sequences": ObjectKind.SEQUENCE,
    "routines": ObjectKind.ROUTINE,
    "types": ObjectKind.TYPE,
    "foreignServers": ObjectKind.FOREIGN_SERVER,
    "foreignDataWrappers": ObjectKind.FOREIGN_DATA_WRAPPER,
    "languages": ObjectKind.LANGUAGE,
    "tablespaces": ObjectKind.TABLESPACE,
    "parameters": ObjectKind.PARAMETER,
    "largeObjects": ObjectKind.LARGE_OBJECT,
    "propertyGraphs": ObjectKind.PROPERTY_GRAPH,
}


def fitting_actions(kind: ObjectKind) -> frozenset[str]:
    """The actions that a Permission for this kind may name."""
    if kind is ObjectKind.COLUMN:
        return PRIVILEGES_OF[kind]
    return PRIVILEGES_OF[kind] | {ALL}


class PermissionSpec(Part):
    """Actions on one kind of object of one database.

    No empty list is taken: a template that renders `columns: []` would turn a grant on a column
    into one on the table.
    """

    database: Annotated[Identifier, Field(description="The database that the objects are in.")]
    actions: Annotated[
        tuple[Action, ...],
        Field(
            min_length=1,
            max_length=17,
            description="Privileges to give, in upper case; they must fit the kind of object "
            "named. ALL is every privilege the server knows for that kind.",
        ),
    ]
    schemas: Annotated[
        tuple[NamePattern, ...],
        Field(
            min_length=1,
            max_length=256,
            description="Schemas the objects are in, as names or shell patterns. Alone, the "
            "schemas are what the actions are on. Never matches pg_* and information_schema. "
            'Quote "*".',
        ),
    ] = ()
    tables: Annotated[
        tuple[NamePattern, ...],
        Field(
            min_length=1,
            max_length=2_000,
            description="Tables, partitioned tables, views, materialized views and foreign "
            "tables, as names or shell patterns.",
        ),
    ] = ()
    columns: Annotated[
        tuple[Identifier, ...],
        Field(
            min_length=1,
            max_length=256,
            description="Columns of the tables; the actions are then on these columns alone.",
        ),
    ] = ()
    sequences: Annotated[
        tuple[NamePattern, ...],
        Field(min_length=1, max_length=2_000, description="Sequences, as names or shell patterns."),
    ] = ()
    routines: Annotated[
        tuple[Routine, ...],
        Field(
            min_length=1,
            max_length=1_000,
            description="Functions, procedures and aggregates: a shell pattern over names, or "
            "name(argument types) for one.",
        ),
    ] = ()
    types: Annotated[
        tuple[NamePattern, ...],
        Field(
            min_length=1,
            max_length=1_000,
            description="Types and domains, as names or shell patterns.",
        ),
    ] = ()
    foreign_servers: Annotated[
        tuple[NamePattern, ...],
        Field(min_length=1, max_length=256, description="Foreign servers, as names or patterns."),
    ] = ()
    foreign_data_wrappers: Annotated[
        tuple[NamePattern, ...],
        Field(
            min_length=1,
            max_length=256,
            description="Foreign-data wrappers, as names or patterns.",
        ),
    ] = ()
    languages: Annotated[
        tuple[NamePattern, ...],
        Field(min_length=1, max_length=64, description="Trusted languages, as names or patterns."),
    ] = ()
    tablespaces: Annotated[
        tuple[NamePattern, ...],
        Field(min_length=1, max_length=256, description="Tablespaces, as names or patterns."),
    ] = ()
    parameters: Annotated[
        tuple[SettingName, ...],
        Field(
            min_length=1,
            max_length=256,
            description="Configuration parameters that may be SET, or changed by ALTER SYSTEM. The "
            "Regent's allow.parameters must list what not every user may set.",
        ),
    ] = ()
    large_objects: Annotated[
        tuple[Annotated[Whole, Field(ge=1, le=4_294_967_295)], ...],
        Field(min_length=1, max_length=1_000, description="Large objects, by oid."),
    ] = ()
    property_graphs: Annotated[
        tuple[NamePattern, ...],
        Field(
            min_length=1,
            max_length=1_000,
            description="Property graphs, as names or shell patterns. From PostgreSQL 19 on, which "
            "is not tested.",
        ),
    ] = ()
    with_grant_option: Annotated[
        Flag | None,
        Field(description="Whether who holds the privileges may pass them on. Default false."),
    ] = None
    implied: Annotated[
        Flag | None,
        Field(
            description="Whether what the actions need comes with them: USAGE on the schemas in "
            "which something matches, and on the sequences of a column's default for INSERT. "
            "Default true."
        ),
    ] = None
    extensions: Annotated[
        Flag | None,
        Field(description="Whether patterns match members of extensions too. Default false."),
    ] = None
    regent_selector: Annotated[
        LabelSelector | None,
        Field(
            description="Gives the permission on every Regent with these labels that serves the "
            "database; {} is all. Without it, it belongs to the one Regent of its namespace."
        ),
    ] = None

    @property
    def object_kind(self) -> ObjectKind:
        """What the actions are on."""
        if self.columns:
            return ObjectKind.COLUMN
        for field in self._named():
            return KIND_OF_FIELD[field]
        return ObjectKind.SCHEMA if self.schemas else ObjectKind.DATABASE

    @property
    def object_names(self) -> tuple[str, ...]:
        """The names or patterns of the field that says what kind it is on; a database has none."""
        return tuple(str(one) for field in self._named() for one in getattr(self, to_snake(field)))

    def breaches(self) -> Iterable[Breach]:
        """One kind of object, complete, with actions that fit it."""
        named = self._named()
        if len(named) > 1:
            yield Breach(
                (named[1],),
                f"does not go together with {named[0]}: a Permission is on one kind of object",
                f"put {named[1]} into a Permission of their own",
            )
            return
        kind_field = named[0] if named else ""
        if kind_field in SCHEMA_QUALIFIED and not self.schemas:
            yield Breach(
                ("schemas",), f"is missing, and {kind_field} need it", 'add schemas, such as "*"'
            )
        if self.schemas and kind_field and kind_field not in SCHEMA_QUALIFIED:
            yield Breach(
                ("schemas",),
                f"does not go with {kind_field}, which are in no schema",
                "take it out",
            )
        if self.columns and kind_field != "tables":
            yield Breach(("columns",), "is given without tables", "add the tables they are in")
            return
        yield from self._unfitting_actions()

    def _unfitting_actions(self) -> Iterable[Breach]:
        kind = self.object_kind
        fitting = fitting_actions(kind)
        for index, action in enumerate(self.actions):
            if action not in fitting:
                yield Breach(
                    ("actions", index),
                    f"does not fit a {kind.value.lower()}",
                    f"these do: {', '.join(sorted(fitting))}{_way_to(action, kind)}",
                )

    def _named(self) -> list[str]:
        given = {
            info.alias
            for name, info in type(self).model_fields.items()
            if info.alias in KIND_OF_FIELD and getattr(self, name)
        }
        return [field for field in KIND_OF_FIELD if field in given]


def _way_to(action: str, kind: ObjectKind) -> str:
    """What to add when the action would fit a kind that was probably meant."""
    if kind is ObjectKind.DATABASE and action in PRIVILEGES_OF[ObjectKind.SCHEMA]:
        return "; for schemas, add schemas"
    if kind in (ObjectKind.DATABASE, ObjectKind.SCHEMA):
        if action in PRIVILEGES_OF[ObjectKind.TABLE]:
            return '; for tables, add tables, such as "*"'
        if action == "EXECUTE":
            return '; for functions, add routines, such as "*"'
    return ""


class Permission(Resource[PermissionSpec]):
    """Privileges on the objects of one database, to be given to Roles and Users."""

    api_version: Literal["putnam120.postgregent/v1alpha1"] = API_VERSION
    kind: Literal["Permission"] = "Permission"
