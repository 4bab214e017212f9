"""What the rooms of resolving share: the moment, what counts, who gets its name, what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from regent.remembered import Mark
from regent.resolve.situation import Findings, Situation
from shared.keys import ResourceKey
from shared.state import PermissionEntry, RoleEntry, UserEntry


@dataclass(slots=True)
class References:
    """Every Role and User that counts now, and what it lists of what exists.

    `entries` leaves out what still waits as a whole. `roles` includes temporary access in force.
    """

    entries: dict[ResourceKey, RoleEntry | UserEntry] = field(default_factory=dict)
    available: dict[ResourceKey, PermissionEntry] = field(default_factory=dict)
    permissions: dict[ResourceKey, tuple[ResourceKey, ...]] = field(default_factory=dict)
    roles: dict[ResourceKey, tuple[ResourceKey, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """One role that shall exist: one resource, or a Role and the User that is this Role with LOGIN.

    `observed_name` is the name that it has in the catalog now, when that is another one. Where
    `is_bounded` it keeps a name that the Regent lists no more, and gains nothing.
    """

    name: str
    role: ResourceKey | None
    user: ResourceKey | None
    holder: ResourceKey
    mark: Mark | None = None
    observed_name: str | None = None
    adopted: bool = False
    is_bounded: bool = False

    @property
    def current_name(self) -> str:
        """What its role is called in the catalog, or will be where there is none."""
        return self.observed_name or self.name

    @property
    def declared_by(self) -> tuple[ResourceKey, ...]:
        """The Role before the User."""
        if self.role is None:
            return () if self.user is None else (self.user,)
        return (self.role,) if self.user is None else (self.role, self.user)


@dataclass(frozen=True, slots=True)
class Context:
    """One resolving on its way. Rooms add to `findings`, and leave the rest as it is.

    `granted` are the Roles and Users that get their name, as far as that is decided.
    """

    situation: Situation
    findings: Findings
    listed: References
    granted: Mapping[ResourceKey, Claim] = field(default_factory=dict)

    def with_granted(self, granted: Mapping[ResourceKey, Claim]) -> Context:
        """The same, where these get their names."""
        return replace(self, granted=granted)

    def silent(self) -> Context:
        """The same, where what is found is said to nobody."""
        return replace(self, findings=Findings())
