"""One row per kind of object: all that differs between kinds is read from here.

Reading, matching, planning, rendering, describing, locking, the detector and the documentation
know kinds by their rows alone. A new kind is a row, `sql/inspect/kinds/KIND.sql` and its tests
(CONTRIBUTING.md). Source of the keywords: https://www.postgresql.org/docs/18/sql-grant.html
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from shared.privileges import (
    PARAMETER_SINCE,
    PRIVILEGES_OF,
    PROPERTY_GRAPH_SINCE,
    ObjectKind,
    PublicRight,
)


class Scope(Enum):
    """Where objects of a kind stand, and how far their names are good."""

    IN_SCHEMA = "in a schema of one database"
    IN_DATABASE = "in one database, in no schema"
    DATABASE = "a database itself"
    SERVER = "in no database: all of them share it"


class Naming(Enum):
    """How GRANT names an object."""

    NAME = "an identifier, after its schema where it stands in one"
    SIGNATURE = "an identifier, and the types of its arguments"
    NUMBER = "its oid"
    PARAMETER = "identifiers with dots between them"


class Lock(Enum):
    """What keeps the application's DDL off an object while its ACL is written (rule 23)."""

    NONE = "nothing: it cannot be locked"
    SOFT = "ACCESS SHARE"
    STRONG = "SHARE UPDATE EXCLUSIVE, or ACCESS SHARE where that is not to be had"


class Address(NamedTuple):
    """One object of a database. An oid alone is unique in its catalog only."""

    catalog: str
    oid: int


@dataclass(frozen=True, slots=True)
class Form:
    """One of the forms that objects of a kind have, by pg_class.relkind."""

    one: str
    many: str
    lock: Lock = Lock.SOFT
    runs_as_owner: bool = False
    """It reads other objects with its owner's privileges."""


@dataclass(frozen=True, slots=True)
class Tags:
    """The commands about a kind, as event triggers tag them.

    `recorded` end a command, and are in the trigger's filter (a DROP needs none). After `making`
    an object is there that was not there before. The effect of a `simple` one is in the rows that
    it wrote, so a targeted pass can deal with it; any other one gets a full pass at once.
    """

    recorded: tuple[str, ...] = ()
    making: frozenset[str] = frozenset()
    simple: frozenset[str] = frozenset()


class NewOnes(NamedTuple):
    """What ALTER DEFAULT PRIVILEGES calls objects of a kind that are still to be made."""

    letter: str
    """pg_default_acl.defaclobjtype."""
    keyword: str
    """The word after ON, and the type of object that an event of it has."""
    since: int = 14
    of_public: frozenset[str] = frozenset()
    """What PUBLIC has on them where nobody took it."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is particular to one kind. Relations between kinds are those of rules 13 and 15."""

    kind: ObjectKind
    catalog: str
    """Where its oids are unique."""
    scope: Scope
    one: str
    many: str
    keyword: str
    """The word after ON."""
    selected_by: str
    """What selects it in a Permission, in words, as docs/resources.md has it."""
    listed_in: str = ""
    """The field of a Permission that lists its names or patterns; empty where none does."""
    naming: Naming = Naming.NAME
    default_acl: str = ""
    """The letter that acldefault() wants; empty where there is no default."""
    new_ones: NewOnes | None = None
    """As default privileges are on them; None where there are none on this kind."""
    forms: Mapping[str, Form] = field(default_factory=dict)
    tags: Tags = Tags()
    recorded_as: frozenset[str] = frozenset()
    """The object types that an event of GRANT or REVOKE on it may have."""
    is_targeted: bool = False
    """A targeted pass reads it: sql/inspect/changed.sql finds what was written of it."""
    written_in: str = ""
    """The catalog that holds its ACL, where that is another one."""
    rows: str = ""
    """A condition that chooses its rows there, for a fingerprint; empty for all of them."""
    part_of: ObjectKind | None = None
    """Its objects are parts of objects of that kind; a REVOKE on the whole clears them."""
    draws_on: ObjectKind | None = None
    """Defaults of its columns draw on that kind: USAGE on it comes with INSERT (rule 15)."""
    is_container: bool = False
    """What stands in a schema stands in it: USAGE on it comes with a match (rule 15)."""
    is_there_without_a_row: bool = False
    """It has a row in its catalog only where something was granted on it."""
    since: int = 14
    """The first version of PostgreSQL with such objects, or the oldest that is served."""
    of_public: Mapping[str, PublicRight] = field(default_factory=dict)
    """The privileges whose right of PUBLIC has a name of its own; the rest is `other`."""
    as_owner: frozenset[str] = frozenset()
    """Privileges with which one runs code as the owner, or with a power of its own (ADR 48)."""
    as_owner_in: frozenset[str] = frozenset()
    """The forms of which that is so; empty for all."""

    def public_right(self, privilege: str) -> PublicRight | None:
        """What of PUBLIC a privilege counts as; None where no Regent manages it for PUBLIC."""
        if self.scope is Scope.SERVER:
            return None
        return self.of_public.get(privilege, PublicRight.OTHER)

    def privileges_of(self, rights: Set[PublicRight]) -> frozenset[str]:
        """The privileges that count as these rights of PUBLIC."""
        return frozenset(one for one in self.privileges if self.public_right(one) in rights)

    @property
    def privileges(self) -> frozenset[str]:
        """All that may be granted on it, in the newest version."""
        return PRIVILEGES_OF[self.kind]

    @property
    def acl_catalog(self) -> str:
        """The catalog whose rows a GRANT on it writes."""
        return self.written_in or self.catalog

    def runs_as_owner(self, form: str) -> bool:
        """Whether one may run code as the owner by what one has on an object of this form."""
        return bool(self.as_owner) and (not self.as_owner_in or form in self.as_owner_in)

    def lock_of(self, form: str) -> Lock:
        """How an object of this form is locked."""
        return self.forms[form].lock if form in self.forms else Lock.NONE

    def at(self, oid: int) -> Address:
        """The address of one of its objects."""
        return Address(self.catalog, oid)


CODE_OF_POWER = "d"
"""The form of a routine that does more than its caller may (sql/inspect/kinds/routine.sql)."""
_TABLES = MappingProxyType(
    {
        "r": Form("table", "tables", Lock.STRONG),
        "p": Form("table", "tables", Lock.STRONG),
        "v": Form("view", "views", runs_as_owner=True),
        "m": Form("materialized view", "materialized views", runs_as_owner=True),
        "f": Form("foreign table", "foreign tables"),
        "t": Form("TOAST table", "TOAST tables", Lock.NONE),
    }
)
_KEYS_AND_TRIGGERS = frozenset({"REFERENCES", "TRIGGER"})
_GRANTED_AS_A_RELATION = frozenset({"TABLE", "SEQUENCE"})
"""`GRANT ON TABLE` takes sequences and columns too."""

_ROWS = (
    Row(
        ObjectKind.DATABASE,
        catalog="pg_database",
        scope=Scope.DATABASE,
        one="database",
        many="databases",
        keyword="DATABASE",
        selected_by="the database (no `schemas`)",
        default_acl="d",
        of_public={"CONNECT": PublicRight.CONNECT, "TEMPORARY": PublicRight.TEMPORARY},
        recorded_as=frozenset({"DATABASE"}),
    ),
    Row(
        ObjectKind.SCHEMA,
        catalog="pg_namespace",
        scope=Scope.IN_DATABASE,
        one="schema",
        many="schemas",
        keyword="SCHEMA",
        selected_by="`schemas` alone",
        default_acl="n",
        of_public={"CREATE": PublicRight.SCHEMA_CREATE},
        new_ones=NewOnes("n", "SCHEMAS"),
        tags=Tags(("CREATE SCHEMA", "ALTER SCHEMA"), frozenset({"CREATE SCHEMA"})),
        recorded_as=frozenset({"SCHEMA"}),
        is_targeted=True,
        is_container=True,
    ),
    Row(
        ObjectKind.TABLE,
        catalog="pg_class",
        scope=Scope.IN_SCHEMA,
        one="table",
        many="tables",
        keyword="TABLE",
        selected_by="`tables`",
        listed_in="tables",
        default_acl="r",
        new_ones=NewOnes("r", "TABLES"),
        forms=_TABLES,
        as_owner=_KEYS_AND_TRIGGERS,
        tags=Tags(
            recorded=(
                "CREATE TABLE", "CREATE TABLE AS", "SELECT INTO", "ALTER TABLE",
                "CREATE VIEW", "ALTER VIEW",
                "CREATE MATERIALIZED VIEW", "ALTER MATERIALIZED VIEW",
                "CREATE FOREIGN TABLE", "ALTER FOREIGN TABLE", "IMPORT FOREIGN SCHEMA",
            ),
            making=frozenset({"CREATE TABLE", "CREATE TABLE AS", "SELECT INTO"}),
            simple=frozenset(
                {
                    "CREATE TABLE", "CREATE TABLE AS", "SELECT INTO", "CREATE VIEW",
                    "CREATE MATERIALIZED VIEW", "CREATE FOREIGN TABLE", "CREATE INDEX",
                    "ALTER TABLE", "DROP TABLE", "DROP VIEW", "DROP INDEX",
                }
            ),
        ),
        recorded_as=_GRANTED_AS_A_RELATION,
        is_targeted=True,
        rows="relkind IN ('r', 'p', 'v', 'm', 'f') OR relkind = 't' AND relacl IS NOT NULL",
        draws_on=ObjectKind.SEQUENCE,
    ),
    Row(
        ObjectKind.COLUMN,
        catalog="pg_class",
        scope=Scope.IN_SCHEMA,
        one="table",
        many="tables",
        keyword="TABLE",
        selected_by="`tables` with `columns`",
        listed_in="tables",
        forms=_TABLES,
        as_owner=_KEYS_AND_TRIGGERS,
        recorded_as=_GRANTED_AS_A_RELATION,
        is_targeted=True,
        written_in="pg_attribute",
        rows="attacl IS NOT NULL",
        part_of=ObjectKind.TABLE,
        draws_on=ObjectKind.SEQUENCE,
    ),
    Row(
        ObjectKind.SEQUENCE,
        catalog="pg_class",
        scope=Scope.IN_SCHEMA,
        one="sequence",
        many="sequences",
        keyword="SEQUENCE",
        selected_by="`sequences`",
        listed_in="sequences",
        default_acl="s",
        new_ones=NewOnes("S", "SEQUENCES"),
        forms=MappingProxyType({"S": Form("sequence", "sequences")}),
        tags=Tags(
            recorded=("CREATE SEQUENCE", "ALTER SEQUENCE"),
            making=frozenset({"CREATE SEQUENCE"}),
            simple=frozenset({"CREATE SEQUENCE", "DROP SEQUENCE"}),
        ),
        recorded_as=_GRANTED_AS_A_RELATION,
        is_targeted=True,
        rows="relkind = 'S'",
    ),
    Row(
        ObjectKind.TYPE,
        catalog="pg_type",
        scope=Scope.IN_SCHEMA,
        one="type",
        many="types",
        keyword="TYPE",
        selected_by="`types`",
        listed_in="types",
        default_acl="T",
        of_public={"USAGE": PublicRight.USAGE},
        new_ones=NewOnes("T", "TYPES", of_public=frozenset({"USAGE"})),
        tags=Tags(
            recorded=("CREATE TYPE", "ALTER TYPE", "CREATE DOMAIN", "ALTER DOMAIN"),
            making=frozenset({"CREATE TYPE", "CREATE DOMAIN"}),
        ),
        recorded_as=frozenset({"TYPE", "DOMAIN"}),
    ),
    Row(
        ObjectKind.LANGUAGE,
        catalog="pg_language",
        scope=Scope.IN_DATABASE,
        one="trusted language",
        many="trusted languages",
        keyword="LANGUAGE",
        selected_by="`languages`",
        listed_in="languages",
        default_acl="l",
        of_public={"USAGE": PublicRight.USAGE},
        tags=Tags(("CREATE LANGUAGE", "ALTER LANGUAGE"), frozenset({"CREATE LANGUAGE"})),
        recorded_as=frozenset({"LANGUAGE"}),
    ),
    Row(
        ObjectKind.FOREIGN_DATA_WRAPPER,
        catalog="pg_foreign_data_wrapper",
        scope=Scope.IN_DATABASE,
        one="foreign-data wrapper",
        many="foreign-data wrappers",
        keyword="FOREIGN DATA WRAPPER",
        selected_by="`foreignDataWrappers`",
        listed_in="foreignDataWrappers",
        default_acl="F",
        tags=Tags(
            recorded=("CREATE FOREIGN DATA WRAPPER", "ALTER FOREIGN DATA WRAPPER"),
            making=frozenset({"CREATE FOREIGN DATA WRAPPER"}),
        ),
        recorded_as=frozenset({"FOREIGN DATA WRAPPER"}),
    ),
    Row(
        ObjectKind.FOREIGN_SERVER,
        catalog="pg_foreign_server",
        scope=Scope.IN_DATABASE,
        one="foreign server",
        many="foreign servers",
        keyword="FOREIGN SERVER",
        selected_by="`foreignServers`",
        listed_in="foreignServers",
        default_acl="S",
        tags=Tags(("CREATE SERVER", "ALTER SERVER"), frozenset({"CREATE SERVER"})),
        recorded_as=frozenset({"FOREIGN SERVER"}),
    ),
    Row(
        ObjectKind.ROUTINE,
        catalog="pg_proc",
        scope=Scope.IN_SCHEMA,
        one="routine",
        many="routines",
        keyword="ROUTINE",
        selected_by="`routines`",
        listed_in="routines",
        naming=Naming.SIGNATURE,
        default_acl="f",
        of_public={"EXECUTE": PublicRight.EXECUTE},
        new_ones=NewOnes("f", "FUNCTIONS", of_public=frozenset({"EXECUTE"})),
        tags=Tags(
            recorded=(
                "CREATE FUNCTION", "ALTER FUNCTION", "CREATE PROCEDURE", "ALTER PROCEDURE",
                "CREATE AGGREGATE", "ALTER AGGREGATE", "ALTER ROUTINE",
            ),
            making=frozenset({"CREATE FUNCTION", "CREATE PROCEDURE", "CREATE AGGREGATE"}),
        ),
        recorded_as=frozenset({"FUNCTION", "PROCEDURE", "ROUTINE"}),
        as_owner=frozenset({"EXECUTE"}),
        as_owner_in=frozenset({CODE_OF_POWER}),
        rows="oid >= 16384 OR proacl IS NOT NULL",
    ),
    Row(
        ObjectKind.LARGE_OBJECT,
        catalog="pg_largeobject",
        scope=Scope.IN_DATABASE,
        one="large object",
        many="large objects",
        keyword="LARGE OBJECT",
        selected_by="`largeObjects`",
        listed_in="largeObjects",
        naming=Naming.NUMBER,
        default_acl="L",
        new_ones=NewOnes("L", "LARGE OBJECTS", since=18),
        tags=Tags(("ALTER LARGE OBJECT",)),
        recorded_as=frozenset({"LARGE OBJECT"}),
        written_in="pg_largeobject_metadata",
        rows="lomacl IS NOT NULL",
    ),
    Row(
        # ON TABLE is prohibited for them. Their DDL is in no event trigger's filter, which would
        # refuse a tag that the server does not have: the timed full pass finds new ones.
        ObjectKind.PROPERTY_GRAPH,
        catalog="pg_class",
        scope=Scope.IN_SCHEMA,
        one="property graph",
        many="property graphs",
        keyword="PROPERTY GRAPH",
        selected_by="`propertyGraphs`",
        listed_in="propertyGraphs",
        recorded_as=frozenset({"PROPERTY GRAPH"}),
        rows="relkind = 'g'",
        since=PROPERTY_GRAPH_SINCE,
    ),
    Row(
        ObjectKind.TABLESPACE,
        catalog="pg_tablespace",
        scope=Scope.SERVER,
        one="tablespace",
        many="tablespaces",
        keyword="TABLESPACE",
        selected_by="`tablespaces`",
        listed_in="tablespaces",
        default_acl="t",
    ),
    Row(
        ObjectKind.PARAMETER,
        catalog="pg_parameter_acl",
        scope=Scope.SERVER,
        one="parameter",
        many="parameters",
        keyword="PARAMETER",
        selected_by="`parameters`",
        listed_in="parameters",
        naming=Naming.PARAMETER,
        default_acl="p",
        is_there_without_a_row=True,
        since=PARAMETER_SINCE,
    ),
)  # fmt: skip

KINDS: Mapping[ObjectKind, Row] = MappingProxyType({row.kind: row for row in _ROWS})
"""The kinds that are managed. A Permission on another one says so in its status."""

LOCAL: tuple[Row, ...] = tuple(
    row for row in _ROWS if row.scope in (Scope.IN_SCHEMA, Scope.IN_DATABASE)
)
"""Those of one database, in their order."""

SHARED: tuple[Row, ...] = tuple(row for row in _ROWS if row.scope is Scope.SERVER)
"""Those of the whole server: the grants of all its databases are about the same objects."""

COLUMNS: Row = KINDS[ObjectKind.COLUMN]
"""The only parts of objects that have privileges of their own in PostgreSQL."""

DRAWN_ON: frozenset[ObjectKind] = frozenset(row.draws_on for row in _ROWS if row.draws_on)
"""What comes with INSERT, where a column's default needs it (rule 15)."""

CONTAINERS: Row = KINDS[ObjectKind.SCHEMA]
"""What objects stand in, and bring USAGE on with them."""

DATABASES: Row = KINDS[ObjectKind.DATABASE]
"""What a Permission that names nothing else is on."""

NEW_ONES: Mapping[str, Row] = MappingProxyType(
    {row.new_ones.letter: row for row in _ROWS if row.new_ones is not None}
)
"""Those with default privileges, by the letter of pg_default_acl."""

SIMPLE_TAGS: frozenset[str] = frozenset({"GRANT", "REVOKE"}).union(
    *(row.tags.simple for row in _ROWS)
)
MAKING_TAGS: frozenset[str] = frozenset().union(*(row.tags.making for row in _ROWS))
NOT_TARGETED: frozenset[str] = frozenset().union(
    *(row.recorded_as for row in LOCAL if not row.is_targeted)
)
"""Object types of GRANT and REVOKE of which only a full pass sees what they did."""

_OF_ALL_KINDS = (
    "GRANT", "REVOKE", "ALTER DEFAULT PRIVILEGES", "DROP OWNED", "CREATE EXTENSION",
    "ALTER EXTENSION",
)  # fmt: skip


def recorded_tags(major: int) -> tuple[str, ...]:
    """The tags that the event trigger filters by on this version, in order."""
    of_rows = {tag for row in _ROWS if row.since <= major for tag in row.tags.recorded}
    return tuple(sorted(of_rows.union(_OF_ALL_KINDS)))
