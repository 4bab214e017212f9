"""Role: a group of permissions, and a role of PostgreSQL that cannot log in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from shared.names import role_name_problem
from shared.resources.base import API_VERSION, Breach, Flag
from shared.resources.grantee import DefaultPrivilege, GranteeSpec
from shared.resources.names import Identifier, RoleName
from shared.resources.resource import Resource

MOST_DEFAULTS = 8_192
"""Schemas of all default privileges of a Role together: the two lengths multiply."""


class RoleSpec(GranteeSpec):
    """A group of permissions on the databases of one Regent."""

    database: Annotated[
        Identifier, Field(description="The database that says which Regent it belongs to.")
    ]
    role_name: Annotated[
        RoleName | None, Field(description="Its name in PostgreSQL. Default: metadata.name.")
    ] = None
    default_privileges: Annotated[
        tuple[DefaultPrivilege, ...],
        Field(
            max_length=256,
            description="What it gets on objects that others will create in its database. "
            "What is there already is for permissions.",
        ),
    ] = ()
    public: Annotated[
        Flag | None,
        Field(
            description="Makes no role: its permissions are what PUBLIC, everybody, holds, where "
            "the Regent's publicPrivileges say Declared. Default false."
        ),
    ] = None

    @property
    def is_public(self) -> bool:
        """`public`, with its default."""
        return self.public is True

    def postgres_name(self, resource_name: str) -> str:
        """The role's name in PostgreSQL, exactly as written (rule 7)."""
        return self.role_name or resource_name

    def breaches(self) -> Iterable[Breach]:
        """PUBLIC is no role: it has privileges and nothing else. Default privileges are bounded."""
        yield from super().breaches()
        places = sum(max(1, len(one.schemas)) for one in self.default_privileges)
        if places > MOST_DEFAULTS:
            yield Breach(
                ("defaultPrivileges",),
                f"name {places} schemas in all, and {MOST_DEFAULTS} is the most",
                "give them to several Roles, or leave schemas out where all are meant",
            )
        if not self.is_public:
            return
        for name in ("roleName", "memberOf", "attributes", "parameters", "databaseParameters",
                     "owns", "adopt", "renamedFrom", "reassignOwnedTo"):  # fmt: skip
            if name in self.given():
                yield Breach(
                    (name,), "does not go with public: true, which makes no role", "take it out"
                )


class Role(Resource[RoleSpec]):
    """A group of permissions, to be given to Users."""

    api_version: Literal["putnam120.postgregent/v1alpha1"] = API_VERSION
    kind: Literal["Role"] = "Role"

    @property
    def postgres_name(self) -> str:
        """The role's name in PostgreSQL."""
        return self.spec.postgres_name(self.metadata.name)

    def breaches(self) -> Iterable[Breach]:
        """Where the name is taken from metadata, it must do as the name of a role."""
        if not self.spec.is_public:
            yield from unfit_name(self.postgres_name, self.spec.role_name, "roleName")


def unfit_name(name: str, given: str | None, field: str) -> Iterable[Breach]:
    """metadata.name as the name of a role, when no other name was given."""
    if given is None and (problem := role_name_problem(name)):
        message = problem.rpartition("; ")[0]
        yield Breach(("metadata", "name"), message, f"name the role in spec.{field}, or rename it")
