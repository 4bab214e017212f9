"""Folds and roles as manifests: what a person would have written. Pure.

Each is checked by its model. A role whose manifest the models refuse is left out, and said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, assert_never

from pydantic import ValidationError

from regent.export.asked import Asked, Read
from regent.export.defaults import Entry
from regent.export.fold import Fold
from regent.export.names import Names, permission_name, slug
from regent.export.who import Who, is_user
from regent.kinds import COLUMNS, KINDS, Naming
from regent.observed import ObservedMembership, ObservedRole
from regent.reach import POWERFUL_ATTRIBUTES
from shared.keys import ResourceKey
from shared.patterns import literal_of
from shared.resources import API_VERSION, DEFAULT_NAMESPACE, Permission, Role, User

Manifest = dict[str, Any]
PASSWORDS = "passwords"
PUBLIC_ROLE = "public"


class RefusedError(Exception):
    """The models do not say what this role is."""

    def __init__(self, role: str, why: str) -> None:
        super().__init__(f"{role}: {why}")
        self.role, self.why = role, why


def manifest(kind: str, name: str, spec: Mapping[str, Any]) -> Manifest:
    """One resource; what is empty or None is not written."""
    some = {key: value for key, value in spec.items() if value not in (None, [], {}, ())}
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name},
        "spec": some,
    }


def secret_of(asked: Asked) -> str:
    """The Secret with the verifiers."""
    return f"{asked.regent}-{PASSWORDS}"


@dataclass(slots=True)
class Permissions:
    """The Permissions, and which of them each grantee lists."""

    manifests: list[Manifest] = field(default_factory=list)
    of: dict[str | None, list[str]] = field(default_factory=dict)

    @classmethod
    def by(cls, folds: Iterable[Fold]) -> Permissions:
        """One each, in their order."""
        found, names = cls(), Names()
        for one in folds:
            name = names.of(permission_name(one))
            made = manifest("Permission", name, _permission(one))
            Permission.model_validate(made)
            found.manifests.append(made)
            for grantee in one.grantees:
                found.of.setdefault(grantee, []).append(name)
        return found


def _permission(one: Fold) -> Mapping[str, Any]:
    row = KINDS[one.kind]
    names: list[Any] = list(one.things.names)
    match row.naming:
        case Naming.NUMBER:
            names = list(map(int, names))
        case Naming.PARAMETER:
            names = [literal_of(name) or name for name in names]
        case Naming.NAME | Naming.SIGNATURE:
            pass
        case _:
            assert_never(row.naming)
    return {
        "database": one.database,
        "schemas": list(one.schemas),
        **({row.listed_in: names} if row.listed_in else {}),
        "columns": list(one.things.columns) if one.kind is COLUMNS.kind else [],
        "actions": list(one.actions),
        "withGrantOption": one.is_grantable or None,
        "implied": None if one.is_implied else False,
        "extensions": one.is_of_extension or None,
    }


@dataclass(slots=True)
class Grantees:
    """The Roles and Users of one export."""

    read: Read
    asked: Asked
    who: Who
    permissions: Permissions
    defaults: Mapping[str, Sequence[Entry]]
    owns: Mapping[str, Mapping[str, Sequence[str]]]
    """By role: `schemas` and `databases`."""
    manifests: list[Manifest] = field(default_factory=list)
    passwords: dict[str, str] = field(default_factory=dict, repr=False)
    named: dict[str, str] = field(default_factory=dict)
    """What the Role or User of each role is called."""
    roles_of: dict[ResourceKey, str] = field(default_factory=dict)
    """The role of each resource."""

    def make(self) -> None:
        """All of them. Raises RefusedError for the first that a model refuses."""
        chosen = self.who.chosen
        users = {name for name, role in chosen.items() if is_user(role)}
        names = {"Role": Names(), "User": Names()}
        names["Role"].of(PUBLIC_ROLE)
        for name in chosen:
            kind = "User" if name in users else "Role"
            self.named[name] = names[kind].of(name)
        for name, role in chosen.items():
            if name in users:
                besides = names["Role"].of(name) if self.defaults.get(name) else None
                self._user(role, besides, users)
            else:
                self._role(role)

    def _role(self, role: ObservedRole) -> None:
        spec = {
            "database": self._database,
            "roleName": self._other_name(role),
            "permissions": self.permissions.of.get(role.name, []),
            **self._common(role, users=None),
            "defaultPrivileges": list(self.defaults.get(role.name, ())),
        }
        self._add("Role", self.named[role.name], spec, role, Role)

    def _user(self, role: ObservedRole, besides: str | None, users: set[str]) -> None:
        """And the Role of the same name, where only a Role says something of it (rule 7)."""
        until = role.valid_until
        password = self._password(role)
        has_own = "schemas" in self.owns.get(role.name, {})
        common = self._common(role, users=users)
        roles = [*([besides] if besides else []), *common.pop("roles")]
        spec = {
            "database": self._database if has_own or not roles else None,
            "userName": self._other_name(role),
            "passwordSecretRef": password,
            "roles": roles,
            "permissions": self.permissions.of.get(role.name, []),
            **common,
            "enabled": None if role.login else False,
            "connectionLimit": None if role.connection_limit == -1 else role.connection_limit,
            "validUntil": None if until is None else until.astimezone(UTC).isoformat(),
        }
        self._add("User", self.named[role.name], spec, role, User)
        if besides:
            beside = {
                "database": self._database,
                "roleName": role.name if besides != role.name else None,
                "defaultPrivileges": list(self.defaults[role.name]),
            }
            self._add("Role", besides, beside, role, Role)

    def _common(self, role: ObservedRole, *, users: set[str] | None) -> dict[str, Any]:
        roles, member_of = [], []
        for group, rows in sorted(self._groups(role.name).items()):
            is_role = users is not None and group in self.who.chosen and group not in users
            entry = _membership(group, rows)
            if is_role and len(entry) == 1:
                roles.append(self.named[group])
            else:
                member_of.append(entry)
        everywhere, inside = _settings(role)
        found: dict[str, Any] = {
            "memberOf": member_of,
            "attributes": _attributes(role),
            "parameters": everywhere,
            "databaseParameters": inside,
            "owns": {
                field: [{"name": name} for name in names]
                for field, names in self.owns.get(role.name, {}).items()
            },
        }
        return found | ({} if users is None else {"roles": roles})

    def _groups(self, member: str) -> Mapping[str, Sequence[ObservedMembership]]:
        found: dict[str, list[ObservedMembership]] = {}
        for row in self.read.observed.server.memberships:
            if row.member == member:
                found.setdefault(row.group, []).append(row)
        return found

    def _password(self, role: ObservedRole) -> Mapping[str, str] | None:
        if not self.asked.with_passwords or role.verifier is None:
            return None
        if not role.verifier.value.startswith("SCRAM-SHA-256$"):
            return None
        key = self.named[role.name]
        self.passwords[key] = role.verifier.value
        return {"name": secret_of(self.asked), "key": key}

    def _other_name(self, role: ObservedRole) -> str | None:
        return None if self.named[role.name] == role.name else role.name

    def _add(
        self,
        kind: str,
        name: str,
        spec: Mapping[str, Any],
        role: ObservedRole,
        model: type[Role] | type[User],
    ) -> None:
        made = manifest(kind, name, {**spec, "adopt": True})
        try:
            model.model_validate(made)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            why = f"the {kind} cannot say it: {place}: {first['msg']}"
            raise RefusedError(role.name, why) from None
        self.manifests.append(made)
        self.roles_of[
            ResourceKey("Role" if kind == "Role" else "User", DEFAULT_NAMESPACE, name)
        ] = role.name

    @property
    def _database(self) -> str:
        return next(iter(self.read.observed.databases))


def _membership(group: str, rows: Sequence[ObservedMembership]) -> dict[str, Any]:
    """What all its grantors gave together."""
    entry: dict[str, Any] = {"role": group}
    if any(row.admin for row in rows):
        entry["admin"] = True
    if not any(row.inherit for row in rows):
        entry["inherit"] = False
    if not any(row.set_role for row in rows):
        entry["set"] = False
    return entry


def _attributes(role: ObservedRole) -> dict[str, bool]:
    found = {one: True for one in POWERFUL_ATTRIBUTES if getattr(role.attributes, one)}
    return found | ({} if role.attributes.inherit else {"inherit": False})


def _settings(role: ObservedRole) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    everywhere: dict[str, str] = {}
    inside: dict[str, dict[str, str]] = {}
    for key, value in sorted(role.settings.items(), key=lambda one: str(one[0])):
        there = everywhere if key.database is None else inside.setdefault(key.database, {})
        there[key.parameter] = value
    return everywhere, inside


def in_order(permissions: Iterable[Manifest]) -> Iterator[Manifest]:
    """By name: what was added later stands where a reader looks for it."""
    return iter(sorted(permissions, key=lambda one: slug(str(one["metadata"]["name"]))))
