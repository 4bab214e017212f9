"""A plan is a value: an ordered tuple of typed changes, each of which can say what it does.

A change knows its causes (the resources that declare it, for outcomes), and its effect, by which
the plan is ordered: widening first, narrowing last (rule 22).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from regent.desired import Attributes, Causes, Listed
from regent.kinds import KINDS, Address
from shared.keys import ResourceKey
from shared.privileges import ObjectKind
from shared.state import Verifier


class Effect(IntEnum):
    """The order of a plan, first to last."""

    CREATE = 0
    """Roles that nobody can use yet, renames, adoptions."""
    WIDEN = 1
    """Privileges, memberships, attributes that are given."""
    OPEN = 2
    """Password, then LOGIN: a role is complete before it may log in."""
    CLOSE = 3
    """NOLOGIN and the end of sessions: access ends before its pieces are taken apart."""
    NARROW = 4
    """Privileges, memberships, attributes that are taken."""
    REMOVE = 5
    """Ownership handed on, roles dropped, marks released."""


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One object of the served database. schema is None for what stands in none.

    `arguments` are the types of a routine's, as pg_get_function_identity_arguments() writes them.
    """

    oid: int
    schema: str | None
    name: str
    relation_kind: str = ""
    owner: str = ""
    arguments: str = ""


def _addresses(kind: ObjectKind, objects: tuple[ObjectRef, ...]) -> tuple[Address, ...]:
    catalog = KINDS[kind].catalog
    return tuple(Address(catalog, one.oid) for one in objects)


@dataclass(frozen=True, slots=True)
class CreateRole:
    """A new role, always NOLOGIN and without a password, and its mark."""

    role: str
    holder: ResourceKey
    attributes: Attributes
    connection_limit: int = -1
    valid_until: datetime | None = None
    causes: Causes = ()
    effect: Effect = Effect.CREATE


@dataclass(frozen=True, slots=True)
class AdoptRole:
    """An existing role comes into our authority: a mark, no SQL on the role itself."""

    role: str
    holder: ResourceKey
    causes: Causes = ()
    effect: Effect = Effect.CREATE


@dataclass(frozen=True, slots=True)
class RenameRole:
    """ALTER ROLE .. RENAME TO, and the mark follows (rule 7).

    `clears_password`: PostgreSQL clears an md5 password by it, and no declared one takes its place.
    """

    role: str
    new_name: str
    holder: ResourceKey
    causes: Causes = ()
    effect: Effect = Effect.CREATE
    clears_password: bool = False


@dataclass(frozen=True, slots=True)
class HandOver:
    """The mark passes to another resource, the role stays as it is (rule 7)."""

    role: str
    holder: ResourceKey
    causes: Causes = ()
    effect: Effect = Effect.CREATE


@dataclass(frozen=True, slots=True)
class AlterRole:
    """Attributes of one role. None leaves one alone; `forever` is VALID UNTIL 'infinity'."""

    role: str
    effect: Effect
    login: bool | None = None
    superuser: bool | None = None
    createdb: bool | None = None
    createrole: bool | None = None
    inherit: bool | None = None
    replication: bool | None = None
    bypassrls: bool | None = None
    connection_limit: int | None = None
    valid_until: datetime | None = None
    forever: bool = False
    causes: Causes = ()


@dataclass(frozen=True, slots=True)
class SetPassword:
    """The verifier, never the clear text."""

    role: str
    verifier: Verifier
    causes: Causes = ()
    effect: Effect = Effect.OPEN


@dataclass(frozen=True, slots=True)
class ClearPassword:
    """PASSWORD NULL, when a role is no User any more (rule 7). Never for a missing Secret."""

    role: str
    causes: Causes = ()
    effect: Effect = Effect.NARROW


@dataclass(frozen=True, slots=True)
class AlterSetting:
    """ALTER ROLE .. SET; value None resets it. database None: in every database."""

    role: str
    database: str | None
    parameter: str
    value: str | None
    causes: Causes = ()
    effect: Effect = Effect.WIDEN


@dataclass(frozen=True, slots=True)
class GrantMembership:
    """GRANT group TO member. Options of 16 and later are left out below it.

    `instead_of` are grantors whose grant of it falls: it is given again to one who is not managed.
    """

    group: str
    member: str
    admin: bool = False
    inherit: bool = True
    set_role: bool = True
    causes: Causes = ()
    effect: Effect = Effect.WIDEN
    instead_of: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RevokeMembership:
    """REVOKE group FROM member as its grantor gave it; `admin_only` takes the option alone."""

    group: str
    member: str
    grantor: str
    admin_only: bool = False
    causes: Causes = ()
    effect: Effect = Effect.NARROW


@dataclass(frozen=True, slots=True)
class GrantPrivileges:
    """The same privileges on many objects of one kind to many grantees: one statement.

    For kind COLUMN, `objects` are relations and `columns` names their columns. `instead_of` are
    managed grantors whose grant option falls: what hangs on it is given again to roles that are not
    managed.
    """

    database: str
    kind: ObjectKind
    objects: tuple[ObjectRef, ...]
    privileges: frozenset[str]
    grantees: tuple[str | None, ...]
    columns: tuple[str, ...] = ()
    grantable: bool = False
    causes: Causes = ()
    effect: Effect = Effect.WIDEN
    instead_of: frozenset[str] = frozenset()

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Those of its objects, in their order."""
        return _addresses(self.kind, self.objects)


@dataclass(frozen=True, slots=True)
class RevokePrivileges:
    """The same privileges on many objects, that one grantor gave to many grantees.

    `grantor` equal to an object's owner needs no SET ROLE. `grant_option_only` leaves the
    privilege.
    `cascade` takes dependent grants too: what is declared of them is in an earlier GrantPrivileges.
    """

    database: str
    kind: ObjectKind
    objects: tuple[ObjectRef, ...]
    privileges: frozenset[str]
    grantees: tuple[str | None, ...]
    grantor: str
    columns: tuple[str, ...] = ()
    grant_option_only: bool = False
    cascade: bool = False
    causes: Causes = ()
    effect: Effect = Effect.NARROW

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Those of its objects, in their order."""
        return _addresses(self.kind, self.objects)


@dataclass(frozen=True, slots=True)
class EndSessions:
    """pg_terminate_backend on every session of the role, ours left out (rule 24)."""

    role: str
    why: str
    causes: Causes = ()
    effect: Effect = Effect.CLOSE


@dataclass(frozen=True, slots=True)
class HandOnOwned:
    """REASSIGN OWNED in one database, object by object (rules 23, 27).

    `listed` says whether `to` may get code that it could do more with. With a `refusal` nothing
    moves: it says why, and is told where the role owns something.
    """

    database: str
    role: str
    to: str
    causes: Causes = ()
    effect: Effect = Effect.REMOVE
    listed: Listed = Listed.NO
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class DropRole:
    """DROP ROLE, of a role that we created and that owns nothing; its mark goes with it.

    `marked_as` is the name in the mark, where the role was renamed behind us.
    """

    role: str
    causes: Causes = ()
    effect: Effect = Effect.REMOVE
    marked_as: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseRole:
    """The mark is released: it keeps its holder, the role is nobody's business (rule 8).

    `has_ended`: only once it is seen that the role's access has ended. `marked_as` is the name in
    the mark, where the role was renamed behind us.
    """

    role: str
    causes: Causes = ()
    effect: Effect = Effect.REMOVE
    has_ended: bool = False
    marked_as: str = ""


Change = (
    CreateRole
    | AdoptRole
    | RenameRole
    | HandOver
    | AlterRole
    | SetPassword
    | ClearPassword
    | AlterSetting
    | GrantMembership
    | RevokeMembership
    | GrantPrivileges
    | RevokePrivileges
    | EndSessions
    | HandOnOwned
    | DropRole
    | ReleaseRole
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one pass would do, in order. `matches` counts what each Permission matches."""

    changes: tuple[Change, ...] = ()
    matches: Mapping[ResourceKey, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Nothing to do: the observed state is the desired one."""
        return not self.changes
