"""How a statement names a routine: in one way, wherever one is named.

After the word ROUTINE it is right for functions, procedures and aggregates alike. `IN` stands
before each type: else the types could also mean a procedure whose OUT arguments they count, and
the statement would be refused as not unique.
"""

from __future__ import annotations

from shared.names import quote_qualified
from shared.signatures import types_of

ROUTINE = "ROUTINE"


def routine(schema: str, name: str, arguments: str) -> str:
    """Such as `"s"."f"(IN integer, IN text)`; `arguments` are as oidvectortypes() has them."""
    types = ", ".join(f"IN {one}" for one in types_of(arguments))
    return f"{quote_qualified(schema, name)}({types})"
