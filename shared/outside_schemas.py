"""What stands in no schema, and which lists of `allow` open it (rule 12, ADR 42). Pure.

Whoever bounds the schemas means to bound the data. So with `schemas` that do not hold everything,
what is in none of them needs a list of its own: `outsideSchemas`, or `parameters` for those.
"""

from __future__ import annotations

from typing import get_args

from shared.patterns import ANY
from shared.privileges import ALL
from shared.resources.permission import KIND_OF_FIELD, PermissionSpec
from shared.resources.regent import Allow, OutsideSchema

EVERYTHING: frozenset[str] = frozenset(get_args(OutsideSchema))
DATABASE = "database"
"""Stands for CREATE on a database, which makes schemas of any name. CONNECT needs no list."""


def opened(allow: Allow) -> frozenset[str]:
    """What of it may be given by the Regent's own `allow`; by default all, unless schemas are."""
    if allow.outside_schemas is not None:
        return frozenset(allow.outside_schemas)
    return EVERYTHING if allow.schemas is None or ANY in allow.schemas else frozenset()


def opened_to_others(allow: Allow) -> frozenset[str]:
    """The same by an entry for other namespaces: what is left out is nothing."""
    if allow.outside_schemas is not None:
        return frozenset(allow.outside_schemas)
    return frozenset({DATABASE} if ANY in (allow.schemas or ()) else ())


def needed_for(spec: PermissionSpec) -> str:
    """What must be opened for a Permission; empty where schemas or `parameters` bound it."""
    if not spec.schemas and not spec.object_names:
        return DATABASE if {"CREATE", ALL} & set(spec.actions) else ""
    kind = spec.object_kind
    return next((field for field in EVERYTHING if KIND_OF_FIELD.get(field) is kind), "")


def field_of(word: str) -> str:
    """The field of a Permission that asks for it."""
    return "actions" if word == DATABASE else word
