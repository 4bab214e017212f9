"""A plan is a value: an ordered tuple of typed changes, each of which can say what it does.

A change knows its causes (the resources that declare it, for outcomes), and its effect, by which
the plan is ordered: widening first, narrowing last (rule 22).

Long because the changes are one closed union: each dispatch over it is checked against this page.
A dispatch may name a group of them (`OfHolder`, `OfAttribute`, `OfMembership`, `OfObjects`,
`OfOwner`, `OfEnd`) where it says the same of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum
from typing import ClassVar, NamedTuple, TypeAlias

from regent.desired import Attributes, Causes, Listed
from regent.kinds import CONTAINERS, KINDS, Address
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


class Rank(IntEnum):
    """The order inside one effect, first to last."""

    RENAMES = 0
    ROLES = 1
    PASSWORDS = 2
    ATTRIBUTES = 3
    SESSIONS = 4
    SETTINGS = 5
    CLEARED_PASSWORDS = 6
    MEMBERSHIPS = 7
    OWNERS = 8
    DEFAULTS = 9
    PRIVILEGES = 10
    OWNERSHIP = 11
    ENDS = 12


class Work(Enum):
    """Where and with what a change is carried out."""

    ROLES = "in the home database, many in one transaction, with their marks"
    PRIVILEGES = "in the database of its objects, in slices of them"
    ALONE = "in no transaction with others"


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One object of the served database. schema is None for what stands in none.

    `arguments` are the types of a routine's, as oidvectortypes() writes them; None for others.
    """

    oid: int
    schema: str | None
    name: str
    relation_kind: str = ""
    owner: str = ""
    arguments: str | None = None

    @property
    def called(self) -> str:
        """Its name, with the types of its arguments where it has a signature."""
        return self.name if self.arguments is None else f"{self.name}({self.arguments})"

    def __str__(self) -> str:
        return f"{self.schema}.{self.called}" if self.schema else self.called


def _in_short(objects: Sequence[ObjectRef]) -> str:
    first, more = objects[0], len(objects) - 1
    return f"{first} and {more} more" if more else str(first)


def _addresses(kind: ObjectKind, objects: Sequence[ObjectRef]) -> tuple[Address, ...]:
    return tuple(KINDS[kind].at(one.oid) for one in objects)


class _AboutOneRole:
    """What is derived of the role that a change is about."""

    __slots__ = ()

    role: str
    topic: ClassVar[str] = "Role"
    """What it is about, for a metric: few words, never names."""

    @property
    def about(self) -> tuple[str, ...]:
        """The roles that it is about, by the names that they have afterwards."""
        return (self.role,)

    @property
    def whose(self) -> str | None:
        """Whom it changes, where that is one role."""
        return self.about[0]

    @property
    def object(self) -> str:
        """What it changes, in a few words."""
        return self.about[0]


class _InItsDatabase:
    """What is derived of the one database that a change is about, and is carried out in by itself.

    Each object in a transaction of its own: so ours meets what others do as rarely as can be.
    """

    __slots__ = ()

    database: str
    work: ClassVar[Work] = Work.ALONE

    @property
    def local_to(self) -> str:
        """This database."""
        return self.database

    @property
    def where(self) -> str:
        """This database."""
        return f"database {self.database}"


@dataclass(frozen=True, slots=True)
class _OfRole(_AboutOneRole):
    """What all changes of one role have that is not of one database."""

    role: str

    rank: ClassVar[Rank]
    local_to: ClassVar[None] = None
    """The database that it is carried out in; None for what the whole server shares."""

    @property
    def where(self) -> str:
        """The role or the database that it is about, for a table's column."""
        return f"role {self.role}"

    @property
    def work(self) -> Work:
        """Where and with what it is carried out."""
        return Work.ROLES


class OfHolder(_OfRole):
    """Which role there is, what it is called and who has it: marks follow these."""

    __slots__ = ()


class OfAttribute(_OfRole):
    """How a role is and how one comes in by it: attributes, password, settings."""

    __slots__ = ()


class OfStranger(_OfRole):
    """What is done about a role that nobody declares: notes in the home database follow these."""

    __slots__ = ()


class OfEnd(_AboutOneRole):
    """A step of the end of somebody's access."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class OfMembership:
    """What the two changes of a membership have."""

    group: str
    member: str

    rank: ClassVar[Rank] = Rank.MEMBERSHIPS
    topic: ClassVar[str] = "Membership"
    work: ClassVar[Work] = Work.ROLES
    local_to: ClassVar[None] = None
    """The whole server shares it."""

    @property
    def about(self) -> tuple[str, ...]:
        """The group and the member."""
        return (self.group, self.member)

    @property
    def whose(self) -> str:
        """The member."""
        return self.member

    @property
    def object(self) -> str:
        """The group."""
        return self.group

    @property
    def where(self) -> str:
        """The member."""
        return f"role {self.member}"


@dataclass(frozen=True, slots=True)
class OfObjects:
    """What the two changes of privileges have."""

    database: str | None
    """None of what the whole server shares."""
    kind: ObjectKind
    objects: tuple[ObjectRef, ...]
    privileges: frozenset[str]
    grantees: tuple[str | None, ...]

    rank: ClassVar[Rank] = Rank.PRIVILEGES
    work: ClassVar[Work] = Work.PRIVILEGES

    @property
    def topic(self) -> str:
        """The kind of object."""
        return self.kind.value.title()

    @property
    def about(self) -> tuple[str, ...]:
        """The grantees, PUBLIC left out."""
        return tuple(grantee for grantee in self.grantees if grantee is not None)

    @property
    def whose(self) -> str | None:
        """The only grantee; None for PUBLIC too."""
        return self.grantees[0] if len(self.grantees) == 1 else None

    @property
    def object(self) -> str:
        """The first object, and how many more."""
        return _in_short(self.objects)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Those of its objects, in their order."""
        return _addresses(self.kind, self.objects)

    @property
    def local_to(self) -> str | None:
        """The database of the objects."""
        return self.database

    @property
    def where(self) -> str:
        """The database of the objects."""
        return f"database {self.database}" if self.database is not None else "the whole server"


@dataclass(frozen=True, slots=True)
class OfOwner:
    """What the changes that give a schema or database to its declared owner have.

    `database` is where a schema stands; of a database it is its own name.
    """

    kind: ObjectKind
    database: str
    name: str
    owner: str

    rank: ClassVar[Rank] = Rank.OWNERS
    topic: ClassVar[str] = "Owner"
    work: ClassVar[Work] = Work.ALONE

    @property
    def about(self) -> tuple[str, ...]:
        """Who owns it afterwards."""
        return (self.owner,)

    @property
    def whose(self) -> str:
        """Who owns it afterwards."""
        return self.owner

    @property
    def object(self) -> str:
        """Its name."""
        return self.name

    @property
    def place(self) -> str:
        """Its name, with the database of a schema."""
        return f"{self.database}.{self.name}" if self.kind is CONTAINERS.kind else self.name

    @property
    def local_to(self) -> str | None:
        """The database that a schema stands in; a database is what the whole server shares."""
        return self.database if self.kind is CONTAINERS.kind else None

    @property
    def where(self) -> str:
        """The database that it stands in, or is."""
        return f"database {self.database}"


@dataclass(frozen=True, slots=True)
class CreateRole(OfHolder):
    """A new role, always NOLOGIN and without a password, and its mark."""

    holder: ResourceKey
    attributes: Attributes
    connection_limit: int = -1
    valid_until: datetime | None = None
    causes: Causes = ()
    effect: Effect = Effect.CREATE

    rank: ClassVar[Rank] = Rank.ROLES


@dataclass(frozen=True, slots=True)
class AdoptRole(OfHolder):
    """An existing role comes into our authority: a mark, no SQL on the role itself."""

    holder: ResourceKey
    causes: Causes = ()
    effect: Effect = Effect.CREATE

    rank: ClassVar[Rank] = Rank.ROLES


@dataclass(frozen=True, slots=True)
class RenameRole(OfHolder):
    """ALTER ROLE .. RENAME TO, and the mark follows (rule 7).

    `clears_password`: PostgreSQL clears an md5 password by it, and no declared one takes its place.
    `marked_as` is the name in the mark, where the role was renamed behind us. Where it has its new
    name by that, `role` is the new name, and only the mark follows. In a ring of names the first
    one puts the role that has its new name `aside`, under a name that nobody has, and the last one
    has it from there: `puts_aside` is that role.
    """

    new_name: str
    holder: ResourceKey
    causes: Causes = ()
    effect: Effect = Effect.CREATE
    clears_password: bool = False
    marked_as: str = ""
    puts_aside: str = ""
    aside: str = ""

    rank: ClassVar[Rank] = Rank.RENAMES

    @property
    def is_done_by_hand(self) -> bool:
        """Whether the role has its new name, and only its mark does not."""
        return self.role == self.new_name

    @property
    def about(self) -> tuple[str, ...]:
        """The new name: it comes first in a plan, and all others speak of that."""
        return (self.new_name,)


@dataclass(frozen=True, slots=True)
class HandOver(OfHolder):
    """The mark passes to another resource, the role stays as it is (rule 7).

    `to_another`: it is not known that the same person goes on, so whoever had it is out before.
    """

    holder: ResourceKey
    causes: Causes = ()
    effect: Effect = Effect.CREATE
    to_another: bool = False

    rank: ClassVar[Rank] = Rank.ROLES


@dataclass(frozen=True, slots=True)
class AlterRole(OfAttribute):
    """Attributes of one role. None leaves one alone; `forever` is VALID UNTIL 'infinity'.

    `for_now`: LOGIN and the password of whoever had the role go, and come for who gets it.
    """

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
    for_now: bool = False

    rank: ClassVar[Rank] = Rank.ATTRIBUTES

    @property
    def takes_login(self) -> bool:
        """Whether nobody comes in any more, and none is to come instead."""
        return self.effect is Effect.CLOSE and self.login is False and not self.for_now


@dataclass(frozen=True, slots=True)
class DisableRole(OfStranger):
    """NOLOGIN of a role that nobody declares, and a note of it, so that it can be undone (rule 11).

    `oid` tells it from another role of its name.
    """

    oid: int
    causes: Causes = ()
    effect: Effect = Effect.CLOSE

    rank: ClassVar[Rank] = Rank.ATTRIBUTES


@dataclass(frozen=True, slots=True)
class EnableRole(OfStranger):
    """LOGIN is given back to a role that was disabled, and nothing else of it (rule 11)."""

    oid: int
    causes: Causes = ()
    effect: Effect = Effect.OPEN

    rank: ClassVar[Rank] = Rank.ATTRIBUTES


@dataclass(frozen=True, slots=True)
class SetPassword(OfAttribute):
    """The verifier, never the clear text."""

    verifier: Verifier
    causes: Causes = ()
    effect: Effect = Effect.OPEN

    rank: ClassVar[Rank] = Rank.PASSWORDS
    topic: ClassVar[str] = "Password"


@dataclass(frozen=True, slots=True)
class ClearPassword(OfAttribute):
    """PASSWORD NULL, when a role is no User any more (rule 7). Never for a missing Secret."""

    causes: Causes = ()
    effect: Effect = Effect.NARROW

    rank: ClassVar[Rank] = Rank.CLEARED_PASSWORDS
    topic: ClassVar[str] = "Password"


@dataclass(frozen=True, slots=True)
class AlterSetting(OfAttribute):
    """ALTER ROLE .. SET; value None resets it. database None: in every database."""

    database: str | None
    parameter: str
    value: str | None
    causes: Causes = ()
    effect: Effect = Effect.WIDEN

    rank: ClassVar[Rank] = Rank.SETTINGS
    topic: ClassVar[str] = "Setting"


@dataclass(frozen=True, slots=True)
class GrantMembership(OfMembership):
    """GRANT group TO member. Options of 16 and later are left out below it.

    `instead_of` are grantors whose grant of it falls: it is given again to one who is not managed.
    """

    admin: bool = False
    inherit: bool = True
    set_role: bool = True
    causes: Causes = ()
    effect: Effect = Effect.WIDEN
    instead_of: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RevokeMembership(OfMembership):
    """REVOKE group FROM member as its grantor gave it; `admin_only` takes the option alone.

    With CASCADE where something is to go `along`: what the member gave on, and those in turn, as
    (member, grantor). What is declared of them is in an earlier GrantMembership.
    """

    grantor: str
    admin_only: bool = False
    along: tuple[tuple[str, str], ...] = ()
    causes: Causes = ()
    effect: Effect = Effect.NARROW


@dataclass(frozen=True, slots=True)
class GrantPrivileges(OfObjects):
    """The same privileges on many objects of one kind to many grantees: one statement.

    For kind COLUMN, `objects` are relations and `columns` names their columns. `instead_of` are
    managed grantors whose grant option falls: what hangs on it is given again to roles that are not
    managed.
    """

    columns: tuple[str, ...] = ()
    grantable: bool = False
    causes: Causes = ()
    effect: Effect = Effect.WIDEN
    instead_of: frozenset[str] = frozenset()


class Along(NamedTuple):
    """What somebody loses along with another one: these privileges, as this grantor gave them.

    None of them, where it is a grant option alone. `columns` are those that they are on.
    """

    grantee: str | None
    grantor: str
    privileges: frozenset[str]
    columns: tuple[str, ...] = ()


def losing(along: Iterable[Along]) -> tuple[str | None, ...]:
    """Who loses something: PUBLIC first, then by name."""
    return tuple(sorted({one.grantee for one in along}, key=lambda grantee: grantee or ""))


class Cut(Enum):
    """What a role has by the owner, once the owner took all that the role gave to others.

    The owner gives it the grant option, and takes that with all that hangs on it, in one
    transaction: so goes what a grantor cannot take back itself (regent/plan/cuts.py).
    """

    NOTHING = "nothing"
    PRIVILEGE = "the privilege"
    OPTION = "the privilege with its grant option"


@dataclass(frozen=True, slots=True)
class RevokePrivileges(OfObjects):
    """The same privileges on many objects, that one grantor gave to many grantees.

    `grantor` equal to an object's owner needs no SET ROLE. `grant_option_only` leaves the
    privilege.
    `cascade` takes dependent grants too: what is declared of them is in an earlier GrantPrivileges.
    With `cut` the owner takes it: all that the grantor gave, or where that is the owner itself, all
    that the grantees gave; `by_grantor` the grantor itself, by the option that it gets for it. With
    a `refusal` nothing is tried: it says why nothing would help. `as_owner`: an admin that is no
    superuser has to become the owner for it, else its own grant option would count. `along` goes
    what others have, for good; they do not name it.
    """

    grantor: str
    columns: tuple[str, ...] = ()
    grant_option_only: bool = False
    cascade: bool = False
    cut: Cut | None = None
    by_grantor: bool = False
    refusal: str = ""
    causes: Causes = ()
    effect: Effect = Effect.NARROW
    as_owner: bool = False
    along: tuple[Along, ...] = field(default=(), compare=False)

    @property
    def losing(self) -> tuple[str | None, ...]:
        """Who loses something along with it."""
        return losing(self.along)


MembershipChange: TypeAlias = GrantMembership | RevokeMembership
PrivilegeChange: TypeAlias = GrantPrivileges | RevokePrivileges


@dataclass(frozen=True, slots=True)
class OfDefaults(_InItsDatabase):
    """What the two changes of default privileges have: `role` is the grantee, None is PUBLIC.

    They are about objects that `creator` makes from now on; schema None is everywhere.
    """

    database: str
    creator: str
    schema: str | None
    kind: ObjectKind
    role: str | None
    privileges: frozenset[str]

    rank: ClassVar[Rank] = Rank.DEFAULTS
    topic: ClassVar[str] = "Default Privilege"

    @property
    def about(self) -> tuple[str, ...]:
        """The grantee, PUBLIC left out."""
        return () if self.role is None else (self.role,)

    @property
    def whose(self) -> str | None:
        """The grantee; None for PUBLIC."""
        return self.role

    @property
    def object(self) -> str:
        """Whose objects, of which kind and where."""
        place = f" in {self.schema}" if self.schema is not None else ""
        return f"new {KINDS[self.kind].many} of {self.creator}{place}"


@dataclass(frozen=True, slots=True)
class GrantDefaults(OfDefaults):
    """ALTER DEFAULT PRIVILEGES .. GRANT, never with grant option."""

    causes: Causes = ()
    effect: Effect = Effect.WIDEN


@dataclass(frozen=True, slots=True)
class RevokeDefaults(OfDefaults):
    """ALTER DEFAULT PRIVILEGES .. REVOKE; `grant_option_only` leaves the privileges."""

    grant_option_only: bool = False
    causes: Causes = ()
    effect: Effect = Effect.NARROW


DefaultsChange: TypeAlias = GrantDefaults | RevokeDefaults


@dataclass(frozen=True, slots=True)
class EndSessions(_OfRole, OfEnd):
    """pg_terminate_backend on every session of the role, ours left out (rule 24)."""

    why: str
    causes: Causes = ()
    effect: Effect = Effect.CLOSE

    rank: ClassVar[Rank] = Rank.SESSIONS
    work: ClassVar[Work] = Work.ALONE


@dataclass(frozen=True, slots=True)
class HandOnOwned(_InItsDatabase, OfEnd):
    """REASSIGN OWNED in one database, object by object (rules 23, 27).

    `listed` says whether `to` may get code that it could do more with. With a `refusal` nothing
    moves: it says why, and is told where the role owns something. `ended_at` tells this end of the
    role from earlier ones.
    """

    database: str
    role: str
    to: str
    causes: Causes = ()
    effect: Effect = Effect.REMOVE
    listed: Listed = Listed.NO
    refusal: str = ""
    ended_at: datetime | None = None

    rank: ClassVar[Rank] = Rank.OWNERSHIP


@dataclass(frozen=True, slots=True)
class CreateOwned(OfOwner):
    """CREATE SCHEMA .. AUTHORIZATION, CREATE DATABASE .. OWNER: it is missing."""

    causes: Causes = ()
    effect: Effect = Effect.CREATE


@dataclass(frozen=True, slots=True)
class SetOwner(OfOwner):
    """ALTER SCHEMA .. OWNER TO, ALTER DATABASE .. OWNER TO.

    `former` owns it now, and with `strands` it can alter it no more: it neither is nor becomes a
    member of the new owner. `keeps` is what it has on it by its declaration, which it had as the
    owner until now.
    """

    oid: int
    former: str
    strands: bool = False
    keeps: frozenset[str] = frozenset()
    causes: Causes = ()
    effect: Effect = Effect.WIDEN

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Of the object, as GrantPrivileges has them."""
        return (KINDS[self.kind].at(self.oid),)


@dataclass(frozen=True, slots=True)
class GatherObjects(OfOwner):
    """Objects of one kind in the schema `name` go from one role to the owner of the schema.

    One after another, each in a transaction of its own (rule 23), and after all that is given and
    taken. `listed` says whether it may get code that it could do more with. `keeps` is what the
    former owner has on them by its declaration, which it had as the owner until now: also on the
    sequences that go with a table.
    """

    objects: tuple[ObjectRef, ...]
    former: str
    listed: Listed = Listed.NO
    strands: bool = False
    keeps: tuple[GrantPrivileges, ...] = ()
    causes: Causes = ()
    effect: Effect = Effect.REMOVE

    rank: ClassVar[Rank] = Rank.OWNERSHIP

    @property
    def object(self) -> str:
        """The first object, and how many more."""
        return _in_short(self.objects)

    @property
    def local_to(self) -> str:
        """The database that they stand in."""
        return self.database

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Of the objects, as GrantPrivileges has them."""
        return _addresses(self.kind, self.objects)


@dataclass(frozen=True, slots=True)
class DropRole(_OfRole, OfEnd):
    """DROP ROLE, of a role that we created and that owns nothing; its mark goes with it.

    `marked_as` is the name in the mark, where the role was renamed behind us.
    """

    causes: Causes = ()
    effect: Effect = Effect.REMOVE
    marked_as: str = ""

    rank: ClassVar[Rank] = Rank.ENDS
    work: ClassVar[Work] = Work.ALONE


@dataclass(frozen=True, slots=True)
class ReleaseRole(_OfRole, OfEnd):
    """The mark is released: it keeps its holder, the role is nobody's business (rule 8).

    `has_ended`: only once it is seen that the role's access has ended. `marked_as` is the name in
    the mark, where the role was renamed behind us.
    """

    causes: Causes = ()
    effect: Effect = Effect.REMOVE
    has_ended: bool = False
    marked_as: str = ""

    rank: ClassVar[Rank] = Rank.ENDS

    @property
    def work(self) -> Work:
        """Alone where the end of its access is to be seen first."""
        return Work.ALONE if self.has_ended else Work.ROLES


Change = (
    CreateRole
    | AdoptRole
    | RenameRole
    | HandOver
    | AlterRole
    | DisableRole
    | EnableRole
    | SetPassword
    | ClearPassword
    | AlterSetting
    | GrantMembership
    | RevokeMembership
    | GrantPrivileges
    | RevokePrivileges
    | GrantDefaults
    | RevokeDefaults
    | EndSessions
    | HandOnOwned
    | CreateOwned
    | SetOwner
    | GatherObjects
    | DropRole
    | ReleaseRole
)


class KeptOpen(NamedTuple):
    """A database on which PUBLIC keeps CONNECT, and who would be shut out without it.

    `roles` are the Regent's admin and whoever nobody declares.
    """

    database: str
    roles: tuple[str, ...]
    declared: tuple[str, ...] = ()
    """Those that are to have it by a declaration, and do not get it yet."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one pass would do, in order. `matches` counts what each Permission matches.

    `strangers` are roles that somebody may use whom their declaration does not mean: they get
    nothing of it until he is out (rule 10).
    """

    changes: tuple[Change, ...] = ()
    matches: Mapping[ResourceKey, int] = field(default_factory=dict)
    strangers: frozenset[str] = frozenset()
    kept_open: tuple[KeptOpen, ...] = ()
    """Databases on which PUBLIC keeps CONNECT for now, though nobody declares it."""

    @property
    def is_empty(self) -> bool:
        """Nothing to do: the observed state is the desired one."""
        return not self.changes
