"""Default privileges: what a Role gets on objects that another role will make, in its database."""

from __future__ import annotations

from collections.abc import Mapping

from regent.desired import DeclaredDefault
from regent.kinds import KINDS
from regent.resolve.allowed_defaults import default_trouble
from regent.resolve.context import Claim, Context
from regent.resolve.renamings import former_names
from shared.keys import ResourceKey
from shared.privileges import expand, unknown_to
from shared.resources import DefaultPrivilege


def declared_defaults(context: Context) -> Mapping[str, tuple[DeclaredDefault, ...]]:
    """By database, one per creator, schema and kind of each Role that has its name."""
    own: dict[str, set[str]] = {}
    for key, claim in context.granted.items():
        own.setdefault(key.namespace, set()).add(claim.name)
    former = former_names(context)
    found: dict[str, list[DeclaredDefault]] = {}
    for key, claim in sorted(context.granted.items()):
        entry = context.listed.entries[key]
        if entry.kind != "Role" or entry.spec.database not in context.situation.served:
            continue
        names = own[key.namespace]
        for index, one in enumerate(entry.spec.default_privileges):
            place = f"spec.defaultPrivileges[{index}]"
            trouble = default_trouble(
                context.situation, key.namespace, entry.spec.database, one, names
            )
            if trouble:
                context.findings.trouble(key, "NotAllowed", f"{place}.{trouble}")
                continue
            creator = one.creator
            if creator not in names:
                creator = former.get((key.namespace, creator), creator)
            some = _declared(context, key, claim, place, one, creator)
            found.setdefault(entry.spec.database, []).extend(some)
            if creator not in names and creator not in context.situation.server.roles:
                context.findings.trouble(
                    key,
                    "RoleNotFound",
                    f"{place}.creator: there is no role {creator!r} on this server, so its new"
                    " objects give nothing; all else holds. Create it, or correct the name.",
                )
    return {database: tuple(defaults) for database, defaults in found.items()}


def _declared(
    context: Context,
    key: ResourceKey,
    claim: Claim,
    place: str,
    one: DefaultPrivilege,
    creator: str,
) -> list[DeclaredDefault]:
    """For each of its schemas; none where the server knows no such thing."""
    major, row = context.situation.server.major, KINDS[one.object_kind]
    if creator == claim.name:
        said = f"{place}.creator: {creator!r} is this role itself, and owns what it makes."
        context.findings.note(key, f"{said} Take it out.")
        return []
    if row.new_ones is None or major < row.new_ones.since:
        since = row.new_ones.since if row.new_ones else "no version"
        context.findings.trouble(
            key,
            "Unsupported",
            f"{place}.objects: default privileges on {row.many} exist from PostgreSQL {since} on,"
            f" and this server has {major}: nothing is given.",
        )
        return []
    if unknown := unknown_to(major, row.kind) & frozenset(one.actions):
        context.findings.trouble(
            key,
            "Unsupported",
            f"{place}.actions: PostgreSQL {major} has no {', '.join(sorted(unknown))};"
            " the other actions hold.",
        )
    privileges = expand(one.actions, row.kind, major)
    schemas = one.schemas or (None,)
    return [
        DeclaredDefault(creator, schema, row.kind, claim.name, privileges, (key,))
        for schema in schemas
        if privileges
    ]
