"""User: a role of PostgreSQL that may log in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from shared.resources.base import API_VERSION, Breach, Flag, Part, Whole
from shared.resources.grantee import GranteeSpec
from shared.resources.names import DateTime, Identifier, ResourceName, RoleName, Span, seconds_of
from shared.resources.references import SecretKeyRef
from shared.resources.resource import Resource
from shared.resources.role import unfit_name
from shared.resources.texts import Words

MADE_KEY = "password"
"""Of a Secret that keeps a password that is made."""
SHORTEST_LEASE_SECONDS = 60
DEFAULT_TTL, MAX_TTL = "1h", "24h"


class Credentials(Part):
    """A password that is made by the controller of a cluster, and the Secret that keeps it."""

    secret_name: Annotated[
        ResourceName,
        Field(
            description="The Secret of this namespace that keeps it, under `password`. It is made, "
            "belongs to the User, and goes with it; one that is there already is refused."
        ),
    ]
    mode: Annotated[
        Literal["Static", "Dynamic"] | None,
        Field(
            description="Static: one password, kept. Dynamic: the User does not log in, and its "
            "service accounts ask for leases, which log in for a while. Default Static."
        ),
    ] = None
    rotate_every: Annotated[
        Span | None,
        Field(
            description="Makes a new password this often, such as 30d. The annotation "
            "`putnam120.postgregent/rotate` of the User makes one for each new value."
        ),
    ] = None
    length: Annotated[
        Whole | None,
        Field(
            ge=16,
            le=128,
            description="Letters and digits in the password, from the next one on. Default 32.",
        ),
    ] = None
    default_ttl: Annotated[
        Span | None,
        Field(
            alias="defaultTTL",
            description="How long a lease lasts when nothing is asked for, at least 60s. Default "
            "1h, or maxTTL where that is shorter.",
        ),
    ] = None
    max_ttl: Annotated[
        Span | None,
        Field(
            alias="maxTTL",
            description="How long a lease may last at most, renewals included, at least 60s. "
            "Default 24h.",
        ),
    ] = None
    service_accounts: Annotated[
        tuple[ResourceName, ...],
        Field(max_length=64, description="Service accounts of this namespace that get leases."),
    ] = ()

    @property
    def is_static(self) -> bool:
        """`mode`, with its default; where it is not, the User is what leases are made of."""
        return self.mode != "Dynamic"

    @property
    def max_ttl_seconds(self) -> int:
        """`maxTTL`, with its default."""
        return seconds_of(self.max_ttl or MAX_TTL)

    @property
    def default_ttl_seconds(self) -> int:
        """`defaultTTL`, with its default."""
        return min(seconds_of(self.default_ttl or DEFAULT_TTL), self.max_ttl_seconds)

    def breaches(self) -> Iterable[Breach]:
        """Leases belong to Dynamic, rotation to Static, and a lease ends before it may not last."""
        dynamic = self.mode == "Dynamic"
        written = self.given()
        for field in ("defaultTTL", "maxTTL", "serviceAccounts"):
            if field in written and not dynamic:
                yield Breach((field,), "goes with mode Dynamic only", "set mode, or take it out")
        if dynamic and self.rotate_every:
            yield Breach(("rotateEvery",), "goes with mode Static only", "take it out")
        for field, span in (("defaultTTL", self.default_ttl), ("maxTTL", self.max_ttl)):
            if span and seconds_of(span) < SHORTEST_LEASE_SECONDS:
                said = f"is shorter than {SHORTEST_LEASE_SECONDS}s"
                yield Breach((field,), said, "write 60s, or longer")
        if self.default_ttl and seconds_of(self.default_ttl) > self.max_ttl_seconds:
            longest = self.max_ttl or f"{MAX_TTL}, its default"
            yield Breach(("defaultTTL",), f"is longer than maxTTL {longest}", "shorten it")


class Access(Part):
    """A role that the user has for a while."""

    role: Annotated[ResourceName, Field(description="The Role of this namespace.")]
    until: Annotated[
        DateTime,
        Field(description="When it ends, and with it the user's sessions: one may be in SET ROLE."),
    ]
    reason: Annotated[Words, Field(min_length=1, max_length=1_024, description="Why; kept.")]
    starts_at: Annotated[
        DateTime | None, Field(alias="from", description="When it begins. Default: at once.")
    ] = None

    def breaches(self) -> Iterable[Breach]:
        """It begins before it ends."""
        if self.starts_at and self.starts_at >= self.until:
            yield Breach(("until",), "is not after from", "give a later time")


class UserSpec(GranteeSpec):
    """A role that may log in, with its password, its roles and its limits."""

    database: Annotated[
        Identifier | None,
        Field(
            description="Says which Regent it belongs to when it lists no roles, and where the "
            "schemas are that it owns."
        ),
    ] = None
    user_name: Annotated[
        RoleName | None, Field(description="Its name in PostgreSQL. Default: metadata.name.")
    ] = None
    password_secret_ref: Annotated[
        SecretKeyRef | None,
        Field(description="The Secret and key that hold the password. Without it, the password "
                          "is not managed."),
    ] = None  # fmt: skip
    credentials: Annotated[
        Credentials | None,
        Field(description="In a cluster: has the password made and kept in a Secret, instead."),
    ] = None
    roles: Annotated[
        tuple[ResourceName, ...],
        Field(max_length=256, description="Roles of this namespace, by name, that it has. The "
                                          "Role of its own name is this very role."),
    ] = ()  # fmt: skip
    enabled: Annotated[
        Flag | None,
        Field(description="false takes LOGIN away and ends its sessions. Default true."),
    ] = None
    connection_limit: Annotated[
        Whole | None,
        Field(ge=-1, le=2_147_483_647, description="Connections at a time; -1, the default, is "
                                                   "no limit."),
    ] = None  # fmt: skip
    valid_until: Annotated[
        DateTime | None,
        Field(description="When LOGIN ends, with a time zone, such as 2026-12-31T23:59:59Z."),
    ] = None
    access: Annotated[
        tuple[Access, ...], Field(max_length=64, description="Roles that it has for a while.")
    ] = ()

    @property
    def has_leases(self) -> bool:
        """Whether it does not log in itself, and leases are made of it (`mode: Dynamic`)."""
        return self.credentials is not None and not self.credentials.is_static

    @property
    def is_enabled(self) -> bool:
        """`enabled`, with its default."""
        return self.enabled is not False

    @property
    def password_key(self) -> SecretKeyRef | None:
        """Where its password is: in the Secret that it names, or in the one that is made."""
        made = self.credentials
        if made is not None and made.is_static:
            return SecretKeyRef(name=made.secret_name, key=MADE_KEY)
        return self.password_secret_ref

    def postgres_name(self, resource_name: str) -> str:
        """The role's name in PostgreSQL, exactly as written (rule 7)."""
        return self.user_name or resource_name

    def breaches(self) -> Iterable[Breach]:
        """It must be known where the user lives, and at most one thing gives its password."""
        yield from super().breaches()
        if self.database is None and not self.roles:
            yield Breach(
                ("database",),
                "is missing, and there are no roles that would say where the user lives",
                "add a role, or a database",
            )
        if self.owns is not None and self.owns.schemas and self.database is None:
            yield Breach(
                ("owns", "schemas"),
                "is in no database: its roles may be on several Regents",
                "name it in database",
            )
        if self.password_secret_ref and self.credentials:
            yield Breach(
                ("credentials",), "does not go together with passwordSecretRef", "keep one of them"
            )


class User(Resource[UserSpec]):
    """A role that may log in."""

    api_version: Literal["putnam120.postgregent/v1alpha1"] = API_VERSION
    kind: Literal["User"] = "User"

    @property
    def postgres_name(self) -> str:
        """The role's name in PostgreSQL."""
        return self.spec.postgres_name(self.metadata.name)

    def breaches(self) -> Iterable[Breach]:
        """Where the name is taken from metadata, it must do as the name of a role."""
        yield from unfit_name(self.postgres_name, self.spec.user_name, "userName")
