"""The privileges of PostgreSQL 14 to 19: which fit which kind of object, and what ALL means.

Source: https://www.postgresql.org/docs/18/ddl-priv.html, tables 5.1 and 5.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType


class ObjectKind(StrEnum):
    """What a privilege can be granted on. The value is the word that GRANT wants after ON."""

    DATABASE = "DATABASE"
    SCHEMA = "SCHEMA"
    TABLE = "TABLE"
    COLUMN = "COLUMN"
    SEQUENCE = "SEQUENCE"
    ROUTINE = "ROUTINE"
    TYPE = "TYPE"
    FOREIGN_SERVER = "FOREIGN SERVER"
    FOREIGN_DATA_WRAPPER = "FOREIGN DATA WRAPPER"
    LANGUAGE = "LANGUAGE"
    TABLESPACE = "TABLESPACE"
    PARAMETER = "PARAMETER"
    LARGE_OBJECT = "LARGE OBJECT"
    PROPERTY_GRAPH = "PROPERTY GRAPH"


class PublicRight(StrEnum):
    """Groups of privileges of PUBLIC, as `publicPrivileges` of a Regent names them."""

    CONNECT = "connect"
    TEMPORARY = "temporary"
    SCHEMA_CREATE = "schemaCreate"
    EXECUTE = "execute"
    USAGE = "usage"
    OTHER = "other"


ALL = "ALL"
CONNECT = "CONNECT"
"""What only databases have."""
MAINTAIN_SINCE = 17
PARAMETER_SINCE = 15
PROPERTY_GRAPH_SINCE = 19
NEWEST_KNOWN = 18
"""The newest that is tested. A newer server is served as this one, but for a kind that says `since`
which version it is there; what else it adds is left alone.
"""

PRIVILEGES_OF: Mapping[ObjectKind, frozenset[str]] = MappingProxyType(
    {
        ObjectKind.DATABASE: frozenset({"CONNECT", "CREATE", "TEMPORARY"}),
        ObjectKind.SCHEMA: frozenset({"USAGE", "CREATE"}),
        ObjectKind.TABLE: frozenset(
            {
                "SELECT", "INSERT", "UPDATE", "DELETE",
                "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN",
            }
        ),
        ObjectKind.COLUMN: frozenset({"SELECT", "INSERT", "UPDATE", "REFERENCES"}),
        ObjectKind.SEQUENCE: frozenset({"SELECT", "UPDATE", "USAGE"}),
        ObjectKind.ROUTINE: frozenset({"EXECUTE"}),
        ObjectKind.TYPE: frozenset({"USAGE"}),
        ObjectKind.FOREIGN_SERVER: frozenset({"USAGE"}),
        ObjectKind.FOREIGN_DATA_WRAPPER: frozenset({"USAGE"}),
        ObjectKind.LANGUAGE: frozenset({"USAGE"}),
        ObjectKind.TABLESPACE: frozenset({"CREATE"}),
        ObjectKind.PARAMETER: frozenset({"SET", "ALTER SYSTEM"}),
        ObjectKind.LARGE_OBJECT: frozenset({"SELECT", "UPDATE"}),
        ObjectKind.PROPERTY_GRAPH: frozenset({"SELECT"}),
    }
)  # fmt: skip

ACTIONS: frozenset[str] = frozenset().union(*PRIVILEGES_OF.values()) | {ALL}
"""Every word that a Permission's `actions` may hold."""


def unknown_to(server_major: int, kind: ObjectKind) -> frozenset[str]:
    """The privileges of this kind that a server of this major version does not have yet."""
    if kind is ObjectKind.TABLE and server_major < MAINTAIN_SINCE:
        return frozenset({"MAINTAIN"})
    if kind is ObjectKind.PARAMETER and server_major < PARAMETER_SINCE:
        return PRIVILEGES_OF[kind]
    return frozenset()


def expand(actions: Iterable[str], kind: ObjectKind, server_major: int) -> frozenset[str]:
    """The privileges that these actions mean on this kind, on this server (rule 14).

    Actions the kind does not have, or the server does not know, are left out.
    """
    possible = PRIVILEGES_OF[kind] - unknown_to(server_major, kind)
    named = frozenset(actions)
    return possible if ALL in named else possible & named
