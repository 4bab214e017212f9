"""What the catalog says, interned: objects of one schema that share everything are one group.

Most objects of a schema have one owner and one ACL. Ten thousand tables are a few groups, each ACL
is read once, and the planner compares groups, not (object, grantee) pairs (docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from regent.desired import Attributes, SettingKey
from regent.holdings import Holding
from shared.privileges import NEWEST_KNOWN, ObjectKind
from shared.state import Verifier


@dataclass(frozen=True, slots=True)
class AclItem:
    """What one grantor gave one grantee. grantee None is PUBLIC; `grantable` is WITH GRANT OPTION.

    A name that is only digits may be the oid of a role that is gone (docs/facts.md, Leaving).
    """

    grantee: str | None
    grantor: str
    privileges: frozenset[str]
    grantable: frozenset[str] = frozenset()


Acl = tuple[AclItem, ...]
"""With acldefault() in the place of NULL. Equal ACLs of one read are one object."""


@dataclass(frozen=True, slots=True)
class ObjectGroup:
    """Objects of one schema with one owner, one ACL and one history.

    `relation_kind` is pg_class.relkind (`r`, `p`, `v`, `m`, `f`, `S`), empty for other kinds.
    `schema` is None for what stands in none (schemas, databases, …): then `names` are theirs.
    `names` and `oids` run in parallel, in order of oid; so do `arguments` of what has a signature.
    """

    kind: ObjectKind
    schema: str | None
    owner: str
    acl: Acl
    names: tuple[str, ...]
    oids: tuple[int, ...]
    relation_kind: str = ""
    is_extension_member: bool = False
    arguments: tuple[str, ...] = ()
    is_out_of_reach: bool = False
    """No declaration reaches it: what managed roles have there was given past us."""


@dataclass(frozen=True, slots=True)
class ObservedColumn:
    """One column that has an ACL of its own."""

    schema: str
    relation: str
    relation_oid: int
    relation_kind: str
    owner: str
    column: str
    acl: Acl
    is_extension_member: bool = False
    number: int = 0
    """Tells it from the others of the relation, whatever it is called."""


@dataclass(frozen=True, slots=True)
class ObservedDefault:
    """What `creator` gives on objects of one kind that it makes from now on.

    schema None is everywhere: then the ACL begins with what the kind's objects have anyway.
    """

    creator: str
    schema: str | None
    kind: ObjectKind
    acl: Acl


@dataclass(frozen=True, slots=True)
class ObservedRole:
    """One row of pg_authid with its settings.

    `verifier` is None without a password, and also where the admin may not read pg_authid: then
    `password_is_readable` is False and passwords are compared with what the mark remembers.
    valid_until None is NULL or infinity; `has_expired` is by the server's own clock.
    """

    oid: int
    name: str
    login: bool
    attributes: Attributes
    connection_limit: int = -1
    valid_until: datetime | None = None
    has_expired: bool = False
    verifier: Verifier | None = None
    password_is_readable: bool = True
    settings: Mapping[SettingKey, str] = field(default_factory=dict)

    @property
    def loses_its_password_by_a_rename(self) -> bool:
        """PostgreSQL clears an md5 password, whose salt is the name. False where it is not seen."""
        return self.verifier is not None and self.verifier.value.startswith("md5")


@dataclass(frozen=True, slots=True)
class ObservedMembership:
    """One row of pg_auth_members. Before 16: inherit follows the member, set_role is True."""

    group: str
    member: str
    grantor: str
    admin: bool
    inherit: bool = True
    set_role: bool = True


@dataclass(frozen=True, slots=True)
class Definer:
    """Code that runs with the rights of `owner`: the first of it, as the server calls it."""

    owner: str
    what: str


DATABASE_OWNER = "pg_database_owner"
"""Stands for the owner of whichever database it is in."""


@dataclass(frozen=True, slots=True)
class ObservedServer:
    """The shared catalogs and who we are: `admin` is the role that acts.

    `databases` holds one ObjectGroup per distinct (owner, ACL) of kind DATABASE, without templates;
    `shared` those of the kinds that stand in no database. Of parameters there are only those on
    which something was granted.
    `lingering` are the roles without LOGIN that have sessions all the same (rule 24).
    `prepared` are the names of prepared transactions that changed roles: whatever they did comes
    into force when somebody commits them.
    """

    version_num: int
    system_identifier: str
    admin: str
    admin_is_superuser: bool
    roles: Mapping[str, ObservedRole] = field(default_factory=dict)
    memberships: tuple[ObservedMembership, ...] = ()
    databases: tuple[ObjectGroup, ...] = ()
    shared: tuple[ObjectGroup, ...] = ()
    is_in_recovery: bool = False
    lingering: frozenset[str] = frozenset()
    prepared: tuple[str, ...] = ()
    granted_to: frozenset[str] = frozenset()
    """Roles that a prepared transaction grants something to, which comes when it is committed."""
    file_routines: tuple[tuple[str, str], ...] = ()
    """Roles that may execute a function of PostgreSQL that reads or writes files, and which."""
    illegible: tuple[str, ...] = ()
    """What was left out as its name is not UTF-8, in words."""
    connected: frozenset[str] = frozenset()
    """Roles that have a session now."""
    connected_to: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By database, those of them with a session there."""
    subscribers: frozenset[str] = frozenset()
    """Owners of enabled subscriptions of any database."""
    holdings: Mapping[str, tuple[Holding, ...]] = field(default_factory=dict)
    """By role, what the readings of the databases do not show: of declared and managed roles."""
    definers: Mapping[str, tuple[Definer, ...]] = field(default_factory=dict)
    """By role, the code that it may run with the rights of others, where that is asked."""
    other_login: str = ""
    """The role that logged in, where another one than `admin` did (`setRole`)."""
    other_login_is_superuser: bool = False

    @property
    def database_names(self) -> frozenset[str]:
        """All but templates."""
        return frozenset(name for group in self.databases for name in group.names)

    def owner_of(self, database: str) -> str | None:
        """None where no such database was read."""
        return next((one.owner for one in self.databases if database in one.names), None)

    @property
    def login(self) -> str:
        """The role that logged in."""
        return self.other_login or self.admin

    @property
    def login_is_superuser(self) -> bool:
        """Whether that one is a superuser: it may become anybody."""
        return self.other_login_is_superuser if self.other_login else self.admin_is_superuser

    @property
    def own_admins(self) -> frozenset[str]:
        """The Regent's own: the role that acts, and the one that logs in."""
        return frozenset({self.admin, self.login})

    @property
    def major(self) -> int:
        """14 to 18."""
        return self.version_num // 10_000

    @property
    def newness(self) -> str:
        """What is said of a server that is newer than any that is known; empty of others."""
        if self.major <= NEWEST_KNOWN:
            return ""
        return (
            f"PostgreSQL {self.major} is newer than what this version of PostgRegent was tried on:"
            f" it is served as {NEWEST_KNOWN}, and what it adds is left alone, but for what"
            " docs/kinds.md has for it."
        )


@dataclass(frozen=True, slots=True)
class ObservedDatabase:
    """The local objects of one database, wholly or (`is_partial`) only the ones asked for.

    `groups` are of every local kind. System schemas appear only with objects whose ACL is
    not the initial one. `defaults` are in a whole reading alone. `columns_present` says, for the
    column names that were asked for, which relations (by oid) have them. `default_sequences` maps a
    relation's oid to the sequences that its columns' defaults need for INSERT; identity columns
    need none. What the whole server shares is compared like a database without a name.
    """

    name: str
    groups: tuple[ObjectGroup, ...] = ()
    columns: tuple[ObservedColumn, ...] = ()
    defaults: tuple[ObservedDefault, ...] = ()
    columns_present: Mapping[str, frozenset[int]] = field(default_factory=dict)
    default_sequences: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    is_partial: bool = False
    illegible: tuple[str, ...] = ()
    """What was left out as its name is not UTF-8, in words."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One reading of a server and of the databases it was read for."""

    server: ObservedServer
    databases: Mapping[str, ObservedDatabase] = field(default_factory=dict)

    @property
    def illegible(self) -> tuple[str, ...]:
        """What is left alone everywhere as its name is not UTF-8, in words."""
        return (
            *self.server.illegible,
            *(text for one in self.databases.values() for text in one.illegible),
        )
