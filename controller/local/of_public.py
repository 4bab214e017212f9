"""What is declared of PUBLIC as if it were a role, which can never hold. Pure (rule 11).

A resource that is right by itself and was accepted before stays readable: so this is said between
resources, and by `validate` alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from shared.keys import ResourceKey
from shared.names import RESERVED
from shared.problems import Severity
from shared.resources import AnyResource, Permission, Regent, Role, User

Path = tuple[str | int, ...]
Said = tuple[ResourceKey, Path, str | None, str, str, Severity]
"""Of whom, where, the value, what is wrong, the way out, and how grave it is."""


def of_public(valid: Mapping[ResourceKey, AnyResource]) -> Iterator[Said]:
    """Creators that no role can be, members of PUBLIC, and grant options for it."""
    for key, resource in valid.items():
        match resource:
            case Role():
                yield from _groups(key, resource)
                yield from _creators(key, resource)
                yield from _grant_options(key, resource, valid)
            case User():
                yield from _groups(key, resource)
                yield from _memberships(key, resource, valid)
            case Permission() | Regent():
                continue
            case _:
                assert_never(resource)


def _creators(key: ResourceKey, role: Role) -> Iterator[Said]:
    for index, one in enumerate(role.spec.default_privileges):
        if one.creator in RESERVED:
            yield (
                key, ("spec", "defaultPrivileges", index, "creator"), one.creator,
                "is a word that no role can be called, so nobody creates anything as it",
                "name the role that creates the objects", "error",
            )  # fmt: skip


def _groups(key: ResourceKey, resource: Role | User) -> Iterator[Said]:
    for index, one in enumerate(resource.spec.member_of):
        if one.role in RESERVED:
            yield (
                key, ("spec", "memberOf", index, "role"), one.role,
                "is a word that no role can be called, so nobody is a member of it",
                "name a role, or take it out", "error",
            )  # fmt: skip


def _memberships(
    key: ResourceKey, user: User, valid: Mapping[ResourceKey, AnyResource]
) -> Iterator[Said]:
    listed: list[tuple[Path, str]] = [
        (("spec", "roles", index), name) for index, name in enumerate(user.spec.roles)
    ]
    listed += [
        (("spec", "access", index, "role"), one.role) for index, one in enumerate(user.spec.access)
    ]
    for path, name in listed:
        role = valid.get(ResourceKey("Role", key.namespace, name))
        if isinstance(role, Role) and role.spec.is_public:
            yield (
                key, path, name,
                "is a Role with public: true, which makes no role: everybody has what it gives",
                "take it out", "error",
            )  # fmt: skip


def _grant_options(
    key: ResourceKey, role: Role, valid: Mapping[ResourceKey, AnyResource]
) -> Iterator[Said]:
    for index, name in enumerate(role.spec.permissions if role.spec.is_public else ()):
        permission = valid.get(ResourceKey("Permission", key.namespace, name))
        if isinstance(permission, Permission) and permission.spec.with_grant_option:
            yield (
                key, ("spec", "permissions", index), name,
                "says withGrantOption, which PUBLIC never has: the Role would not be Ready",
                "list a Permission without withGrantOption", "warning",
            )  # fmt: skip
