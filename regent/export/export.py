"""One draft: everything that is declared, and everything that is not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from regent.export.asked import Asked, Read
from regent.export.defaults import Entry, creators_in, entries_of, entries_of_public, passes_on
from regent.export.fold import fold
from regent.export.held import holding
from regent.export.later import Later
from regent.export.manifests import (
    PUBLIC_ROLE,
    Grantees,
    Manifest,
    Permissions,
    RefusedError,
    in_order,
    manifest,
    secret_of,
)
from regent.export.public import everywhere
from regent.export.public import rights as rights_of_public
from regent.export.public import unsaid as unsaid_of_public
from regent.export.regent_manifest import regent_manifest
from regent.export.undeclared import undeclared
from regent.export.unsaid import Unsaid
from regent.export.who import Who, who
from regent.kinds import CONTAINERS
from regent.observed import Observed
from regent.plan.matching import is_system
from shared.keys import ResourceKey
from shared.privileges import PublicRight
from shared.resources import DEFAULT_NAMESPACE

OPTION = "it has a grant option by default privileges, which no declaration gives"


@dataclass(frozen=True, slots=True)
class Exported:
    """The manifests in order, and what is in none of them.

    `roles` are what each Role and User is in PostgreSQL; `passwords` are verifiers by their keys.
    """

    regent: Manifest
    permissions: tuple[Manifest, ...]
    grantees: tuple[Manifest, ...]
    unsaid: tuple[Unsaid, ...]
    roles: Mapping[ResourceKey, str]
    public: frozenset[ResourceKey] = frozenset()
    """The Role that speaks for PUBLIC."""
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret: str = ""
    """The name of the Secret that has them."""


def export(read: Read, asked: Asked) -> Exported:
    """All of it. Roles that the models refuse are left out one after another."""
    left_out = dict(read.left_out)
    for reading in read.observed.databases.values():
        left_out |= {
            name: OPTION for name in read.observed.server.roles if passes_on(name, reading)
        }
    while True:
        trial = replace(read, left_out=left_out)
        try:
            return _draft(trial, asked)
        except RefusedError as refused:
            left_out[refused.role] = refused.why


def _draft(read: Read, asked: Asked) -> Exported:
    observed = read.observed
    found = who(read, asked)
    rights = _rights(read, asked)
    superusers = {name for name, one in observed.server.roles.items() if one.attributes.superuser}
    trusted = superusers | {observed.server.admin}
    held = holding(observed, found.chosen.keys(), rights, trusted)
    later = Later(observed, held, is_wide=asked.is_wide)
    of_public = (*everywhere(observed, held, rights), *fold(held, later, (None,)))
    folds = (*fold(held, later, sorted(found.chosen)), *of_public)
    permissions = Permissions.by(folds)
    defaults = _defaults(observed, found)
    grantees = Grantees(read, asked, found, permissions, defaults, _owned(observed, found))
    grantees.make()
    public = _public(observed, permissions, defaults, rights)
    declared = (*permissions.manifests, *grantees.manifests, *public)
    return Exported(
        regent_manifest(read, asked, found, declared, rights),
        tuple(in_order(permissions.manifests)),
        (*grantees.manifests, *public),
        (*undeclared(read, found), *_unsaid_of_public(read, asked, rights)),
        grantees.roles_of,
        frozenset(_key_of(one) for one in public),
        grantees.passwords,
        secret_of(asked),
    )


def _rights(read: Read, asked: Asked) -> frozenset[PublicRight]:
    """None where only some roles or schemas were asked for: PUBLIC is everybody, everywhere."""
    if asked.roles or asked.ignore_schemas or read.is_public_left_out:
        return frozenset()
    return rights_of_public(read.observed)


def _unsaid_of_public(read: Read, asked: Asked, rights: frozenset[PublicRight]) -> Iterator[Unsaid]:
    if read.is_public_left_out:
        yield Unsaid("what PUBLIC has", read.is_public_left_out)
    elif asked.roles or asked.ignore_schemas:
        yield Unsaid("what PUBLIC has", "only some roles or schemas were asked for: it is left")
    else:
        yield from unsaid_of_public(read.observed, rights)


def _defaults(observed: Observed, found: Who) -> Mapping[str, Sequence[Entry]]:
    """Of the first database: a Role says them of its own."""
    first = next(iter(observed.databases.values()))
    entries = {name: entries_of(name, first) for name in found.chosen}
    return {name: some for name, some in entries.items() if some}


def _owned(observed: Observed, found: Who) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Schemas of the first database, and the databases that are served."""
    owned: dict[str, dict[str, list[str]]] = {}
    first = next(iter(observed.databases.values()))
    for group in first.groups:
        if group.kind is CONTAINERS.kind and not group.is_extension_member:
            for name in group.names:
                if group.owner in found.chosen and not is_system(name):
                    owned.setdefault(group.owner, {}).setdefault("schemas", []).append(name)
    for group in observed.server.databases:
        for name in group.names:
            if group.owner in found.chosen and name in observed.databases:
                owned.setdefault(group.owner, {}).setdefault("databases", []).append(name)
    return owned


def _public(
    observed: Observed,
    permissions: Permissions,
    defaults: Mapping[str, Sequence[Entry]],
    rights: frozenset[PublicRight],
) -> tuple[Manifest, ...]:
    if not rights:
        return ()
    name, first = next(iter(observed.databases.items()))
    creators = creators_in(one for some in defaults.values() for one in some)
    spec = {
        "database": name,
        "public": True,
        "permissions": permissions.of.get(None, []),
        "defaultPrivileges": entries_of_public(first, creators, rights),
    }
    return (manifest("Role", PUBLIC_ROLE, spec),)


def _key_of(made: Manifest) -> ResourceKey:
    return ResourceKey("Role", DEFAULT_NAMESPACE, str(made["metadata"]["name"]))
