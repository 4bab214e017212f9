"""What a Role and a User have in common: both are roles of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from shared.privileges import ObjectKind
from shared.resources.base import Breach, Flag, Part
from shared.resources.names import (
    AnyRoleName,
    Identifier,
    ResourceName,
    RoleName,
    SettingName,
    SettingValue,
)
from shared.resources.permission import (
    KIND_OF_FIELD,
    SCHEMA_QUALIFIED,
    Action,
    fitting_actions,
)
from shared.resources.references import LabelSelector

DeletionPolicy = Literal["Drop", "Retain"]
Settings = Annotated[Mapping[SettingName, SettingValue], Field(max_length=64)]


class Membership(Part):
    """Being a member of a role, with PostgreSQL's options."""

    role: Annotated[
        AnyRoleName,
        Field(
            description="The group, by its name in PostgreSQL: a role of this namespace, or one "
            "that the Regent's allow.memberOf lets in."
        ),
    ]
    admin: Annotated[
        Flag | None, Field(description="May add and remove members itself. Default false.")
    ] = None
    inherit: Annotated[
        Flag | None,
        Field(description="Has the group's privileges without SET ROLE. Default true. 16 and up."),
    ] = None
    set: Annotated[
        Flag | None, Field(description="May SET ROLE to the group. Default true. 16 and up.")
    ] = None

    @property
    def may_set(self) -> bool:
        """`set`, with its default."""
        return self.set is not False


class Attributes(Part):
    """A role's attributes. What is left out has PostgreSQL's default, and is kept so."""

    superuser: Annotated[
        Flag | None, Field(description="Bypasses every check. Must be allowed. Default false.")
    ] = None
    createdb: Annotated[
        Flag | None,
        Field(description="May create databases. allow.attributes may exclude it."),
    ] = None
    createrole: Annotated[
        Flag | None, Field(description="May create roles. Must be allowed. Default false.")
    ] = None
    inherit: Annotated[
        Flag | None,
        Field(description="Has the privileges of its groups without SET ROLE. Default true."),
    ] = None
    replication: Annotated[
        Flag | None,
        Field(description="May open replication connections. Must be allowed. Default false."),
    ] = None
    bypassrls: Annotated[
        Flag | None,
        Field(description="Row-level security does not hold it. Must be allowed. Default false."),
    ] = None


class Owned(Part):
    """A schema or a database that the role owns."""

    name: Annotated[Identifier, Field(description="Its name.")]
    create: Annotated[
        Flag | None, Field(description="Whether it is created when missing. Default false.")
    ] = None


class OwnedSchema(Owned):
    """A schema that the role owns, and whether also what stands in it."""

    objects: Annotated[
        Flag | None,
        Field(
            description="Whether tables, views, sequences, routines and types in it are kept its "
            "own too, whoever makes them; members of extensions never, code only where it gains "
            "nothing by that. Default false."
        ),
    ] = None


class Owns(Part):
    """What the role owns."""

    schemas: Annotated[
        tuple[OwnedSchema, ...],
        Field(max_length=256, description="Schemas of the database that `database` names."),
    ] = ()
    databases: Annotated[
        tuple[Owned, ...], Field(max_length=256, description="Databases that the Regent serves.")
    ] = ()


DefaultObjects = Literal["tables", "sequences", "routines", "types", "schemas", "largeObjects"]


class DefaultPrivilege(Part):
    """What a role gets on objects that another role will create (ALTER DEFAULT PRIVILEGES)."""

    creator: Annotated[AnyRoleName, Field(description="The role that creates the objects.")]
    schemas: Annotated[
        tuple[Identifier, ...],
        Field(
            max_length=256,
            description="Only in these schemas; everywhere when left out, which no "
            "other entry can narrow.",
        ),
    ] = ()
    objects: Annotated[DefaultObjects, Field(description="The kind of object.")]
    actions: Annotated[
        tuple[Action, ...],
        Field(min_length=1, max_length=17, description="Privileges that fit the kind of object."),
    ]

    @property
    def object_kind(self) -> ObjectKind:
        """What the actions are on."""
        return ObjectKind.SCHEMA if self.objects == "schemas" else KIND_OF_FIELD[self.objects]

    def breaches(self) -> Iterable[Breach]:
        """Actions fit, and what is in no schema names none."""
        fitting = fitting_actions(self.object_kind)
        for index, action in enumerate(self.actions):
            if action not in fitting:
                yield Breach(
                    ("actions", index),
                    f"does not fit {self.objects}",
                    f"these do: {', '.join(sorted(fitting))}",
                )
        if self.schemas and self.objects not in SCHEMA_QUALIFIED:
            yield Breach(
                ("schemas",),
                f"does not go with {self.objects}, which are in no schema",
                "take it out",
            )


def spelt_twice(settings: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names of settings that are one to PostgreSQL: the later spelling with the one before."""
    first: dict[str, str] = {}
    for name in settings:
        if (before := first.setdefault(name.lower(), name)) != name:
            yield name, before


class GranteeSpec(Part):
    """The fields that Role and User share."""

    permissions: Annotated[
        tuple[ResourceName, ...],
        Field(max_length=512, description="Permissions of this namespace, by name, that it gets."),
    ] = ()
    member_of: Annotated[
        tuple[Membership, ...],
        Field(max_length=256, description="Roles of PostgreSQL that it is a member of."),
    ] = ()
    attributes: Annotated[Attributes | None, Field(description="Attributes such as createdb.")] = (
        None
    )
    parameters: Annotated[
        Settings,
        Field(
            default_factory=dict,
            description="Settings in every database (ALTER ROLE SET); texts or whole numbers.",
        ),
    ]
    database_parameters: Annotated[
        Mapping[Identifier, Settings],
        Field(
            default_factory=dict,
            max_length=64,
            description="Settings per database (ALTER ROLE IN DATABASE SET).",
        ),
    ]
    owns: Annotated[
        Owns | None,
        Field(
            description="Schemas and databases that it owns. What somebody else owns must be "
            "allowed; what is taken out here stays its own."
        ),
    ] = None
    adopt: Annotated[
        Flag | None,
        Field(
            description="Takes over a role of this name that is there already; the Regent's "
            "allow.adopt must let it. What is there and not declared is then taken away."
        ),
    ] = None
    renamed_from: Annotated[
        RoleName | None, Field(description="The name the role had in PostgreSQL until now.")
    ] = None
    deletion_policy: Annotated[
        DeletionPolicy | None,
        Field(description="What becomes of the role on deletion: Drop (default) or Retain."),
    ] = None
    reassign_owned_to: Annotated[
        AnyRoleName | None, Field(description="The role that gets what it owns when it goes.")
    ] = None
    regent_selector: Annotated[
        LabelSelector | None,
        Field(
            description="Puts it on every Regent with these labels that serves the database; {} "
            "is all. Without it, it belongs to the one Regent of its namespace."
        ),
    ] = None

    def breaches(self) -> Iterable[Breach]:
        """A setting has one value: PostgreSQL does not tell upper from lower case in its name."""
        inside = self.database_parameters.items()
        places: list[tuple[tuple[str, ...], Mapping[str, str]]] = [
            (("parameters",), self.parameters)
        ]
        places += [(("databaseParameters", name), values) for name, values in inside]
        for path, settings in places:
            for name, before in spelt_twice(settings):
                yield Breach(
                    (*path, name),
                    f"is the same setting as {before}: PostgreSQL does not tell upper from lower"
                    " case in its name",
                    "keep one of them",
                )
