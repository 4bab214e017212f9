"""What the Regent's `allow` lets default privileges be. Pure (rule 12, ADR 35).

They are bounded as a Permission over the same objects is: databases, schemas, actions. Besides, it
counts whose objects they are: what a superuser makes may belong to an extension, and no pattern of
a Permission reaches that.
"""

from __future__ import annotations

from collections.abc import Set

from regent.kinds import KINDS, Scope
from regent.resolve.situation import Situation
from shared.names import OWNER_ROLE
from shared.resources import DefaultPrivilege

ADD = "of the Regent. Add it there, or take it out here."


def default_trouble(
    situation: Situation, database: str, one: DefaultPrivilege, own: Set[str]
) -> str:
    """Why it is not given, with the way out; empty where it may be. `own` are those of its
    namespace.
    """
    return (
        _place_trouble(situation, database, one)
        or _creator_trouble(situation, one.creator, own)
        or _actions_trouble(situation, one)
    )


def _creator_trouble(situation: Situation, creator: str, own: Set[str]) -> str:
    """Whose new objects it may be about: a role of its own namespace, or one that is allowed.

    Without the list that is every role without great powers.
    """
    creators = situation.allowed.creators
    if creator == OWNER_ROLE:
        return f"creator: {creator!r} is PostgRegent's own role. Name another one."
    if creator in own or creator in creators.names:
        return ""
    standing = situation.standing
    if creator in standing.ours or creator in standing.powerful:
        return (
            f"creator: {creator!r} is or reaches the admin of a Regent, a built-in or provider's"
            " role, a superuser, CREATEROLE, REPLICATION or BYPASSRLS: what it makes may be an"
            " extension's. Add its exact name to spec.allow.creators of the Regent, or name"
            " another one."
        )
    if creators.is_given and not creators.matches(creator):
        return f"creator: {creator!r} is not in spec.allow.creators {ADD}"
    return ""


def _place_trouble(situation: Situation, database: str, one: DefaultPrivilege) -> str:
    """Where it reaches: without schemas that is everywhere, and PostgreSQL makes no exception."""
    allowed, ignored = situation.allowed, situation.spec.ignore_schemas
    if allowed.databases.is_given and not allowed.databases.matches(database):
        return f"creator: {database!r}, its database, is not in spec.allow.databases {ADD}"
    for schema in one.schemas if allowed.schemas.is_given else ():
        if not allowed.schemas.matches(schema):
            return f"schemas: {schema!r} is not in spec.allow.schemas {ADD}"
    row = KINDS[one.object_kind]
    is_about_schemas = row.is_container or row.scope is Scope.IN_SCHEMA
    if one.schemas or not is_about_schemas:
        return ""
    every, way_out = f"{row.many} in every schema are meant", "List the schemas here."
    if row.is_container:
        every, way_out = "every new schema is meant", "Take it out here."
    if allowed.schemas.is_given and not allowed.schemas.is_everything:
        return f'objects: {every}, and spec.allow.schemas of the Regent has no "*". {way_out}'
    if ignored:
        return f"objects: {every}, and spec.ignoreSchemas of the Regent spares some. {way_out}"
    return ""


def _actions_trouble(situation: Situation, one: DefaultPrivilege) -> str:
    allow = situation.spec.allow
    if allow is None or allow.actions is None:
        return ""
    found = next((action for action in one.actions if action not in allow.actions), None)
    return "" if found is None else f"actions: {found} is not in spec.allow.actions {ADD}"
