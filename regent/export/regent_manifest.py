"""The Regent of an export: where the server is, and the `allow` that its manifests need. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from regent.export.asked import Asked, Read
from regent.export.manifests import Manifest, manifest
from regent.export.who import Who
from regent.kinds import KINDS
from regent.plan.matching import owner_of_code
from regent.reach import HARMLESS_BUILT_IN, OPEN_ATTRIBUTES, POWERFUL_ATTRIBUTES
from regent.standing import Standing
from shared.errors import PostgRegentError
from shared.patterns import ANY, escaped
from shared.privileges import PublicRight
from shared.resources import Regent


class NoRegentSaysItError(PostgRegentError):
    """The Regent that would be needed cannot be declared."""


NAMED_ACTIONS = frozenset({"REFERENCES", "TRIGGER", "ALTER SYSTEM"})
"""What is given everywhere only where `allow.actions` names it (ADR 48); of routines see ADR 68."""


def regent_manifest(
    read: Read,
    asked: Asked,
    who: Who,
    declared: Sequence[Manifest],
    rights: Iterable[PublicRight],
) -> Manifest:
    """`declared` are all other manifests."""
    server = read.observed.server
    first, *others = read.observed.databases
    spec = {
        "adminUser": server.login,
        "adminPasswordSecretRef": {"name": f"{asked.regent}-admin", "key": "password"},
        "databaseHost": asked.host,
        "port": None if asked.port == 5432 else asked.port,
        "databaseName": first,
        "additionalDatabases": others,
        "tls": {"mode": asked.tls_mode} if asked.tls_mode else None,
        "publicPrivileges": {str(right): "Declared" for right in sorted(rights)},
        "ignoreRoles": list(who.to_ignore(server, asked)),
        "ignoreSchemas": list(asked.ignore_schemas),
        "allow": _allow(read, who, [one["spec"] for one in declared]),
    }
    made = manifest("Regent", asked.regent, spec)
    try:
        Regent.model_validate(made)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise NoRegentSaysItError(
            f"No Regent can be declared for this server: {place}: {fault['msg']}.",
            way_out="Narrow it by --roles or --ignore-roles, or name another address in --dsn.",
        ) from None
    return made


def _allow(read: Read, who: Who, specs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What is refused where the Regent says nothing, by its exact name; all else is left out."""
    used = _used_actions(specs)
    found = {
        "adopt": [ANY, *map(escaped, sorted(read.keepers & who.chosen.keys()))],
        "attributes": _attributes(who),
        "memberOf": _groups(who, specs),
        "parameters": _parameters(read, who, specs),
        "creators": _creators(read, who, specs),
        "actions": sorted(used) if used & NAMED_ACTIONS or _is_code_used(read, who) else [],
    }
    if found["adopt"] == [ANY]:
        del found["adopt"]
    return {name: some for name, some in found.items() if some}


def _is_code_used(read: Read, who: Who) -> bool:
    """Whether one of them may execute what runs with a power that no author has by himself."""
    strong = _strong(read)
    return any(
        item.grantee in who.chosen and item.grantee != group.owner
        for reading in read.observed.databases.values()
        for group in reading.groups
        if KINDS[group.kind].as_owner_in and owner_of_code(group) in strong
        for item in group.acl
    )


def _strong(read: Read) -> frozenset[str]:
    standing = Standing.of(read.observed.server, read.ordinary)
    return standing.powerful | standing.ours


def _used_actions(specs: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    lists = [spec.get("actions", ()) for spec in specs]
    lists += [one["actions"] for spec in specs for one in spec.get("defaultPrivileges", ())]
    return frozenset(action for some in lists for action in some)


def _attributes(who: Who) -> list[str]:
    used = {
        one
        for role in who.chosen.values()
        for one in POWERFUL_ATTRIBUTES
        if getattr(role.attributes, one)
    }
    return sorted(used) if used - OPEN_ATTRIBUTES else []


def _groups(who: Who, specs: Sequence[Mapping[str, Any]]) -> list[str]:
    groups = {one["role"] for spec in specs for one in spec.get("memberOf", ())}
    return list(map(escaped, sorted(groups - who.chosen.keys() - HARMLESS_BUILT_IN)))


def _parameters(read: Read, who: Who, specs: Sequence[Mapping[str, Any]]) -> list[str]:
    used = {key.parameter for role in who.chosen.values() for key in role.settings}
    used |= {name for spec in specs if "actions" in spec for name in spec.get("parameters", ())}
    used |= {name.lower() for name in used if name not in read.ordinary}
    for_everybody = {
        name.lower()
        for spec in specs
        if "ALTER SYSTEM" in spec.get("actions", ())
        for name in spec.get("parameters", ())
    }
    return sorted({name.lower() for name in used} - read.ordinary | for_everybody)


def _creators(read: Read, who: Who, specs: Sequence[Mapping[str, Any]]) -> list[str]:
    named = {
        one["creator"] for spec in specs for one in spec.get("defaultPrivileges", ())
    } - who.chosen.keys()
    return list(map(escaped, sorted(named))) if named & _strong(read) else []
