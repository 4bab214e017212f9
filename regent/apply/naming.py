"""How a statement names an object: in one way, wherever one is named.

After the word ROUTINE it is right for functions, procedures and aggregates alike. `IN` stands
before each type: else the types could also mean a procedure whose OUT arguments they count, and
the statement would be refused as not unique.
"""

from __future__ import annotations

import asyncpg

from regent.changes import ObjectRef
from shared.names import quote_ident, quote_qualified
from shared.signatures import types_of

ROUTINE = "ROUTINE"


def identifier(ref: ObjectRef) -> str:
    """Its name, after its schema where it stands in one."""
    return quote_ident(ref.name) if ref.schema is None else quote_qualified(ref.schema, ref.name)


def routine_in(row: asyncpg.Record) -> str:
    """Of a row that may be about a routine; empty where it is not."""
    if row["routine_name"] is None:
        return ""
    return routine(row["routine_schema"], row["routine_name"], row["routine_types"])


def routine(schema: str, name: str, arguments: str) -> str:
    """Such as `"s"."f"(IN integer, IN text)`; `arguments` are as oidvectortypes() has them."""
    types = ", ".join(f"IN {one}" for one in types_of(arguments))
    return f"{quote_qualified(schema, name)}({types})"
