"""The bodies of leases over `/v1/leases`: JSON, camelCase."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from controller.leases.issued import Issued, Renewed
from shared.resources.names import ResourceName, Span, seconds_of
from shared.resources.user import SHORTEST_LEASE_SECONDS


class _Body(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
    )


class RenewBody(_Body):
    """For how long a lease shall last from now on."""

    ttl: Annotated[
        Span | None,
        Field(description="Such as 30m, at least 60s; longer than maxTTL is as long as that. "
                          "Default: the User's defaultTTL."),
    ] = None  # fmt: skip

    @property
    def seconds(self) -> int | None:
        """`ttl`, where it is said."""
        return seconds_of(self.ttl) if self.ttl else None

    @property
    def is_too_short(self) -> bool:
        """Whether it is less than a lease lasts."""
        return self.seconds is not None and self.seconds < SHORTEST_LEASE_SECONDS


class AskBody(RenewBody):
    """Whose lease it shall be, and for how long."""

    namespace: Annotated[ResourceName, Field(description="That of the User, and of the caller.")]
    user: Annotated[
        ResourceName, Field(description="metadata.name of the User with mode: Dynamic.")
    ]


class RenewedBody(_Body):
    """Until when a lease lasts."""

    name: Annotated[str, Field(description="By which it is renewed and revoked.")]
    expires_at: Annotated[datetime, Field(description="When LOGIN and sessions end.")]
    renewable_until: Annotated[datetime, Field(description="Beyond that no renewal goes.")]

    @classmethod
    def of(cls, one: Renewed) -> RenewedBody:
        """As it is told."""
        return cls(name=one.name, expires_at=one.expires_at, renewable_until=one.renewable_until)


class IssuedBody(RenewedBody):
    """A lease that is in force: what logs in, and where to, as far as that is one place."""

    username: str
    password: str
    host: str | None = None
    port: int | None = None
    dbname: str | None = None

    @classmethod
    def of_issued(cls, one: Issued) -> IssuedBody:
        """As it is told, to who asked for it and nobody else."""
        return cls(
            name=one.name,
            username=one.username,
            password=one.password.get_secret_value(),
            host=one.host,
            port=one.port,
            dbname=one.dbname,
            expires_at=one.expires_at,
            renewable_until=one.renewable_until,
        )
