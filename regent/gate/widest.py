"""Two layers of what was given as one that gives what either gives, or more (ADR 2). Pure.

Only the comparison of the brake reads it: nothing is ever given by it. So it may give too much,
which withholds a correction until the release, and never too little, which would take something
without one. Explicit ends are put into it like into any other state.

In a layer that was made so, Permissions are called by what they say. So both forms of one stand
beside each other, and what lists them says which it means.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from datetime import datetime
from typing import TypeVar

from pydantic import ValidationError

from shared.keys import ResourceKey
from shared.resources import Attributes, Owns, RoleSpec, UserSpec
from shared.state import Entry, RoleEntry, UserEntry, postgres_name_of

Layer = dict[str, Entry]
Grantee = RoleEntry | UserEntry
T = TypeVar("T", bound=Hashable)


def together(
    older: Layer, newer: Layer, known: Mapping[str, Entry]
) -> tuple[Layer, frozenset[str]]:
    """Both as one, over the resources `known` of the baseline; and the roles of which it cannot be.

    Of these it has the newer form alone: all that they have is to be kept in another way.
    """
    first, second = _by_content(older, known), _by_content(newer, known)
    layer, beyond = {**first, **second}, set[str]()
    for key in first.keys() & second.keys():
        one, other = first[key], second[key]
        if one.kind == "Permission" or other.kind == "Permission" or one.spec == other.spec:
            continue
        if (wide := _wider(one, other)) is not None:
            layer[key] = wide
            continue
        del layer[key]
        roles = []
        for form in (one, other):
            if _is_public(form):  # PUBLIC has what any of them says, and they need no name.
                layer[_called_by_content(ResourceKey.parse(key), form)] = form
            else:
                roles.append(postgres_name_of(key, form))
                layer[key] = form
        beyond.update(roles if len(roles) > 1 else ())
    return layer, frozenset(beyond)


def _by_content(layer: Layer, known: Mapping[str, Entry]) -> Layer:
    """The same layer, with each Permission called by what it says.

    With it come those of the baseline that list a Permission of which the layer has another form.
    """
    found: Layer = {}
    for text, entry in {**known, **layer}.items():
        if entry.kind == "Permission":
            continue
        key = ResourceKey.parse(text)
        listed = [str(ResourceKey("Permission", key.namespace, p)) for p in entry.spec.permissions]
        if text not in layer and layer.keys().isdisjoint(listed):
            continue
        names = []
        for permission, name in zip(listed, entry.spec.permissions, strict=True):
            form = layer.get(permission)
            if form is None and permission in known:
                names.append(name)  # The baseline stands still, and has it by this name.
            elif form is not None:
                called = _called_by_content(ResourceKey.parse(permission), form)
                found[called] = form
                names.append(ResourceKey.parse(called).name)
        spec = entry.spec.model_copy(update={"permissions": tuple(dict.fromkeys(names))})
        found[text] = entry.model_copy(update={"spec": spec})
    return found


def _called_by_content(key: ResourceKey, entry: Entry) -> str:
    """A name of the same namespace, as resources have them."""
    written = entry.spec.model_dump_json(by_alias=True)
    return str(key._replace(name=hashlib.sha256(written.encode()).hexdigest()))


def _wider(older: Grantee, newer: Grantee) -> Grantee | None:
    """What both give; None where one entry cannot say it."""
    update = _of_both(older.spec, newer.spec)
    if isinstance(older.spec, UserSpec) and isinstance(newer.spec, UserSpec):
        update |= _of_users(older.spec, newer.spec)
    elif isinstance(older.spec, RoleSpec) and isinstance(newer.spec, RoleSpec):
        if older.spec.is_public != newer.spec.is_public:
            return None
        update["default_privileges"] = _all(
            older.spec.default_privileges, newer.spec.default_privileges
        )
    if older.spec.database != newer.spec.database and any(map(_says_where, (older, newer))):
        return None
    try:
        spec = type(newer.spec).model_validate({**dict(newer.spec), **update})
    except ValidationError:  # It lists more than one resource may.
        return None
    return newer.model_copy(update={"spec": spec})


def _is_public(entry: Grantee) -> bool:
    return entry.kind == "Role" and entry.spec.is_public


def _says_where(entry: Grantee) -> bool:
    """Whether its `database` says where something is that it has."""
    is_role = entry.kind == "Role" and bool(entry.spec.default_privileges)
    return is_role or bool(entry.spec.owns and entry.spec.owns.schemas)


def _of_both(older: RoleSpec | UserSpec, newer: RoleSpec | UserSpec) -> dict[str, object]:
    update: dict[str, object] = {
        "permissions": _all(older.permissions, newer.permissions),
        "member_of": _all(older.member_of, newer.member_of),
        "adopt": older.adopt or newer.adopt,
    }
    if older.attributes or newer.attributes:
        some, more = older.attributes or Attributes(), newer.attributes or Attributes()
        either = {name: True for name, is_on in some if is_on and name != "inherit"}
        update["attributes"] = more.model_copy(update=either)
    if older.owns or newer.owns:
        had, has = older.owns or Owns(), newer.owns or Owns()
        update["owns"] = {
            "schemas": _all(had.schemas, has.schemas),
            "databases": _all(had.databases, has.databases),
        }
    return update


def _of_users(older: UserSpec, newer: UserSpec) -> dict[str, object]:
    return {
        "database": newer.database or older.database,
        "roles": _all(older.roles, newer.roles),
        "access": _all(older.access, newer.access),
        "enabled": None if older.is_enabled or newer.is_enabled else False,
        "valid_until": _later(older.valid_until, newer.valid_until),
    }


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """None is never."""
    return None if one is None or other is None else max(one, other)


def _all(some: tuple[T, ...], more: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*some, *more)))
