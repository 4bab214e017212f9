"""What is declared for one server, resolved: names instead of references.

Patterns stay patterns: the desired state is as small as what people wrote (docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, IntEnum

from shared.keys import ResourceKey
from shared.privileges import ObjectKind, PublicRight
from shared.state import Verifier

Causes = tuple[ResourceKey, ...]


@dataclass(frozen=True, slots=True)
class Attributes:
    """The switches of CREATE ROLE, LOGIN aside. The defaults are PostgreSQL's."""

    superuser: bool = False
    createdb: bool = False
    createrole: bool = False
    inherit: bool = True
    replication: bool = False
    bypassrls: bool = False


def attribute_word(name: str, *, on: bool) -> str:
    """An attribute as CREATE ROLE and ALTER ROLE write it, given or taken."""
    return name.upper() if on else f"NO{name.upper()}"


class PasswordPolicy(Enum):
    """What a pass does about a role's password."""

    UNMANAGED = "no passwordSecretRef: the password is nobody's business"
    SET = "the verifier must be in force"
    WAITING = "the Secret cannot be read: what is in force stays, a new user waits as NOLOGIN"
    NONE = "a Role: it cannot log in and needs none"


@dataclass(frozen=True, slots=True)
class SettingKey:
    """`ALTER ROLE .. [IN DATABASE database] SET parameter`. database None: in every database."""

    database: str | None
    parameter: str


@dataclass(frozen=True, slots=True)
class DesiredRole:
    """One PostgreSQL role in our authority: exactly this shall hold (rule 8).

    `declared_by` has one resource, or the Role and the User that share the name (rule 7);
    `holder` is the one the mark records. valid_until None means for ever; expiry is also NOLOGIN,
    so `login` is what shall hold at the time of this pass (rule 24).
    """

    name: str
    holder: ResourceKey
    declared_by: Causes
    login: bool = False
    attributes: Attributes = Attributes()
    connection_limit: int = -1
    valid_until: datetime | None = None
    password: PasswordPolicy = PasswordPolicy.NONE
    verifier: Verifier | None = None
    settings: Mapping[SettingKey, str] = field(default_factory=dict)
    renamed_from: str | None = None
    """The observed name of the role that the mark knows by its oid, when it has another one now."""
    marked_as: str = ""
    """The name in its mark, where it has one: marks are looked up and moved by it."""
    goes_on: bool = False
    """Its resource says by `renamedFrom` that it is the role of the mark, and the same person's."""

    def known_as(self, moving: Container[str | None]) -> tuple[str, ...]:
        """The names under which marks may know it. Another role has those that are `moving`."""
        if self.marked_as:
            return (self.marked_as,)
        names = () if self.name in moving else (self.name,)
        return names if self.renamed_from is None else (self.renamed_from, *names)


@dataclass(frozen=True, slots=True)
class DesiredMembership:
    """`GRANT group TO member WITH ..`. inherit and set count from PostgreSQL 16 on."""

    group: str
    member: str
    admin: bool = False
    inherit: bool = True
    set_role: bool = True
    declared_by: Causes = ()


@dataclass(frozen=True, slots=True)
class Comers:
    """Who is to connect by what is written, whether or not it can be given (rules 11 and 18).

    `by_database` are the roles that list what gives CONNECT there, or may, as it is not known yet;
    `joining` are members and their groups; `refused` the roles of Users that do not get them.
    """

    by_database: Mapping[str, frozenset[str]] = field(default_factory=dict)
    joining: frozenset[tuple[str, str]] = frozenset()
    refused: frozenset[str] = frozenset()


NO_COMERS = Comers()


@dataclass(frozen=True, slots=True)
class OwnersCode:
    """Privileges with which one runs code as the owner, and where they are not given.

    `owners` reach what the Regent does not let the declaration's author have. `named` are those
    that it has by name and not by ALL. `where` is an `allow` without them in `actions` (ADR 48).
    """

    privileges: frozenset[str]
    owners: frozenset[str]
    named: frozenset[str]
    where: str

    def not_given(self, place: str) -> str:
        """What is to be said where it is not, with the way out."""
        words = " and ".join(sorted(self.privileges))
        return (
            f"{words} {'are' if len(self.privileges) > 1 else 'is'} not given on {place}: who has"
            " that runs code as the owner, who is or reaches what this resource may not have. Have"
            f" {self.where}.actions of the Regent list all that may be given, {words} by name, or"
            " give it another owner."
        )


@dataclass(frozen=True, slots=True)
class DeclaredGrant:
    """One Permission in one database, with everyone it is given to; None is PUBLIC.

    `privileges` are expanded for this server. `schemas` and `names` are patterns; both are empty
    where the kind has none (a database has neither, a schema has no names). `columns` are names.
    `implied_in` are lists of schemas in which sequences that a default needs may come with it: what
    each of them has. `owners_code` is what of it is not given on the tables of some owners.
    """

    permission: ResourceKey
    kind: ObjectKind
    grantees: tuple[str | None, ...]
    privileges: frozenset[str]
    schemas: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    grantable: bool = False
    implied: bool = True
    extensions: bool = False
    implied_in: tuple[tuple[str, ...], ...] = ()
    owners_code: OwnersCode | None = None


@dataclass(frozen=True, slots=True)
class DeclaredDefault:
    """What a role gets on objects of one kind that `creator` makes from now on, in one database.

    `schema` None is everywhere, `grantee` None is PUBLIC. A creator that is not there gives
    nothing. It may have another name now: what is had by one of `perhaps_by` is not taken away.
    """

    creator: str
    schema: str | None
    kind: ObjectKind
    grantee: str | None
    privileges: frozenset[str]
    declared_by: Causes = ()
    perhaps_by: frozenset[str] = frozenset()
    """Of a creator that is not there: the roles that may be named instead of it."""


class Listed(IntEnum):
    """How `allow.reassignOwnedTo` lists the role that gets what a leaver owned (ADR 16)."""

    NO = 0
    """There is no list, and it is a managed role of the same namespace."""
    BY_PATTERN = 1
    BY_NAME = 2


@dataclass(frozen=True, slots=True)
class DesiredOwner:
    """One schema or database, and the role that shall own it.

    `database` is where a schema stands; of a database it is its own name. It may be `taken_from`
    these roles; None is from anybody, as the Regent lists it. It is made when it is missing where
    `create`, unless a `refusal` says why not.
    """

    kind: ObjectKind
    database: str
    name: str
    owner: str
    declared_by: Causes = ()
    create: bool = False
    refusal: str = ""
    taken_from: frozenset[str] | None = frozenset()
    bounded_by: str = ""
    """The list of the Regent that would let it be taken from others, and does not."""
    objects: bool = False
    """What stands in the schema, too; of code as `allow.reassignOwnedTo` has the owner `listed`."""
    listed: Listed = Listed.NO


@dataclass(frozen=True, slots=True)
class Ending:
    """A marked role that nothing declares any more (rule 27).

    It keeps no LOGIN, member, session, privilege or membership. It is dropped when `created` by us
    and when nothing is left that it owns; `retain` leaves all of it as it is. `refusal` says why
    `reassign_to` gets nothing of what it owns; empty where it may. `marked_as` is the name that its
    mark has, where that is another one. `is_taken_back`: its mark was lost with the home database,
    and is written anew first. `ended_at` is when its resource was deleted.
    """

    name: str
    holder: ResourceKey
    created: bool
    retain: bool = False
    reassign_to: str | None = None
    listed: Listed = Listed.NO
    refusal: str = ""
    marked_as: str = ""
    is_taken_back: bool = False
    ended_at: datetime | None = None


Strangers = frozenset[tuple[str, int]]
"""Roles that nobody declares, by name and oid."""


@dataclass(frozen=True, slots=True)
class Desired:
    """All of it, for one pass over one server.

    `grants` has an entry for every served database, also when it is empty: served is what our
    authority reaches; `defaults` has those where something is declared. `adopted` are names that
    exist without our mark and may be taken.
    `foreign` are roles that another Regent on this server has marked: their memberships as a group
    are its business (rule 6). `undecided` are (group, member) that are declared with a group
    that could not be had (its mark was lost, say): neither given nor taken. `ended` are (group,
    member) of access for a time that is over: where it is taken, the member's sessions end.
    `bounded` are roles of which the Regent lists the names no more: they gain nothing.
    `public` are the rights of PUBLIC that are in our authority in the databases `public_in`, and
    `public_declared_by` the Roles that speak for it.
    `unmanaged_roles` is what the Regent says of roles that nobody declares: `disabling` of them
    shall not log in, and `enabling` get the LOGIN back that was taken from them.
    """

    roles: Mapping[str, DesiredRole] = field(default_factory=dict)
    memberships: tuple[DesiredMembership, ...] = ()
    grants: Mapping[str, tuple[DeclaredGrant, ...]] = field(default_factory=dict)
    defaults: Mapping[str, tuple[DeclaredDefault, ...]] = field(default_factory=dict)
    owners: tuple[DesiredOwner, ...] = ()
    endings: tuple[Ending, ...] = ()
    adopted: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()
    undecided: frozenset[tuple[str, str]] = frozenset()
    ended: frozenset[tuple[str, str]] = frozenset()
    bounded: frozenset[str] = frozenset()
    ignore_roles: tuple[str, ...] = ()
    ignore_schemas: tuple[str, ...] = ()
    unmanaged_roles: str = ""
    disabling: Strangers = frozenset()
    enabling: Strangers = frozenset()
    public: frozenset[PublicRight] = frozenset()
    public_in: frozenset[str] = frozenset()
    public_declared_by: Causes = ()
    comers: Comers = NO_COMERS

    def grants_without(self, names: Set[str]) -> Mapping[str, tuple[DeclaredGrant, ...]]:
        """The grants as if they named none of these roles."""
        return {
            database: tuple(
                replace(one, grantees=tuple(g for g in one.grantees if g not in names))
                for one in grants
            )
            for database, grants in self.grants.items()
        }

    def defaults_without(self, names: Set[str]) -> Mapping[str, tuple[DeclaredDefault, ...]]:
        """The default privileges less those of these roles."""
        return {
            database: tuple(one for one in defaults if one.grantee not in names)
            for database, defaults in self.defaults.items()
        }

    def declarers_of(self, grantee: str | None) -> Causes:
        """The resources that declare a grantee of these grants; None is PUBLIC."""
        return self.public_declared_by if grantee is None else self.roles[grantee].declared_by

    @property
    def managed(self) -> frozenset[str]:
        """Every role whose privileges, memberships and attributes are in our authority now."""
        ending = {e.name for e in self.endings if not e.retain}
        return frozenset(self.roles) | frozenset(ending)
