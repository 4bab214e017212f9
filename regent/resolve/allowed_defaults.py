"""What the Regent's `allow` lets default privileges be. Pure (rule 12, ADR 35).

They are bounded as a Permission over the same objects is: databases, schemas, actions. Besides, it
counts whose objects they are: what a superuser makes may belong to an extension, and no pattern of
a Permission reaches that.
"""

from __future__ import annotations

from collections.abc import Set

from regent.kinds import KINDS, Scope
from regent.resolve.allow_lists import AllowLists
from regent.resolve.situation import Situation
from shared.names import OWNER_ROLE
from shared.resources import DefaultPrivilege

ADD = "of the Regent. Add it there, or take it out here."


def default_trouble(
    situation: Situation, namespace: str, database: str, one: DefaultPrivilege, own: Set[str]
) -> str:
    """Why it is not given, with the way out; empty where it may be.

    `own` are the roles of its namespace. Each list that bounds the namespace is asked.
    """
    if trouble := creator_trouble(situation, namespace, one.creator, own):
        return trouble
    for lists in situation.bounds.of_namespace(namespace):
        trouble = _place_trouble(lists, situation, database, one) or _actions_trouble(lists, one)
        if trouble:
            return trouble
    return ""


def creator_trouble(situation: Situation, namespace: str, creator: str, own: Set[str]) -> str:
    """Why it may not be about what this role makes, whatever that is."""
    if creator == OWNER_ROLE:
        return f"creator: {creator!r} is PostgRegent's own role. Name another one."
    asked = situation.bounds.of_namespace(namespace)
    troubles = (_creator_trouble(lists, situation, creator, own) for lists in asked)
    return next(filter(None, troubles), "")


def _creator_trouble(lists: AllowLists, situation: Situation, creator: str, own: Set[str]) -> str:
    """Whose new objects it may be about: a role of its own namespace, or one that is allowed.

    Without the list that is every role without great powers.
    """
    creators, where = lists.creators, f"{lists.where}.creators"
    if creator in own or creator in creators.names:
        return ""
    standing = situation.standing
    if creator in standing.ours or creator in standing.powerful:
        return (
            f"creator: {creator!r} is or reaches the admin of a Regent, a built-in or provider's"
            " role, a superuser, CREATEROLE, REPLICATION, BYPASSRLS or privileges like these: what"
            f" it makes may be an extension's. Add its exact name to {where} of the Regent, or name"
            " another one."
        )
    return "" if creators.lets_in(creator) else f"creator: {creator!r} is not in {where} {ADD}"


def _place_trouble(
    lists: AllowLists, situation: Situation, database: str, one: DefaultPrivilege
) -> str:
    """Where it reaches: without schemas that is everywhere, and PostgreSQL makes no exception."""
    where, ignored = lists.where, situation.spec.ignore_schemas
    if not lists.databases.lets_in(database):
        return f"creator: {database!r}, its database, is not in {where}.databases {ADD}"
    for schema in one.schemas:
        if not lists.schemas.lets_in(schema):
            return f"schemas: {schema!r} is not in {where}.schemas {ADD}"
    row = KINDS[one.object_kind]
    is_about_schemas = row.is_container or row.scope is Scope.IN_SCHEMA
    if not is_about_schemas:
        is_open = row.listed_in in lists.outside_schemas
        return "" if is_open else f"objects: {row.listed_in} is not in {where}.outsideSchemas {ADD}"
    if one.schemas:
        return ""
    every, way_out = f"{row.many} in every schema are meant", "List the schemas here."
    if row.is_container:
        every, way_out = "every new schema is meant", "Take it out here."
    if not lists.schemas.is_everything:
        return f'objects: {every}, and {where}.schemas of the Regent has no "*". {way_out}'
    if ignored:
        return f"objects: {every}, and spec.ignoreSchemas of the Regent spares some. {way_out}"
    return ""


def _actions_trouble(lists: AllowLists, one: DefaultPrivilege) -> str:
    if lists.actions is None:
        return ""
    found = next((action for action in one.actions if action not in lists.actions), None)
    return "" if found is None else f"actions: {found} is not in {lists.where}.actions {ADD}"
