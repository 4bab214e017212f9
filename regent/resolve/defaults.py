"""Default privileges: what a Role gets on objects that another role will make, in its database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from regent.desired import DeclaredDefault
from regent.kinds import KINDS
from regent.resolve.allowed_defaults import creator_trouble, default_trouble
from regent.resolve.context import Context
from regent.resolve.powers import OwnersOfPower
from regent.resolve.public import given_to_public
from regent.resolve.renamings import former_names
from shared.keys import ResourceKey
from shared.privileges import expand, unknown_to
from shared.resources import DefaultPrivilege


def declared_defaults(
    context: Context, speakers: tuple[ResourceKey, ...] = ()
) -> Mapping[str, tuple[DeclaredDefault, ...]]:
    """By database, one per creator, schema and kind of each Role that has its name.

    `speakers` are the Roles that speak for PUBLIC.
    """
    own: dict[str, set[str]] = {}
    for key, claim in context.granted.items():
        own.setdefault(key.namespace, set()).add(claim.name)
    former, others = former_names(context), _Others(context, own)
    powers = OwnersOfPower(context)
    found: dict[str, list[DeclaredDefault]] = {}
    whose: dict[ResourceKey, str | None] = {k: claim.name for k, claim in context.granted.items()}
    for key, grantee in sorted({**whose, **dict.fromkeys(speakers)}.items(), key=_by_key):
        entry = context.listed.entries[key]
        if entry.kind != "Role" or entry.spec.database not in context.situation.served:
            continue
        names = own.get(key.namespace, set())
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
            some = _declared(context, key, grantee, place, one, creator, powers)
            is_there = creator in context.situation.server.roles
            perhaps_by = frozenset[str]() if is_there else others.of(key.namespace)
            some = [replace(each, perhaps_by=perhaps_by) for each in some]
            found.setdefault(entry.spec.database, []).extend(some)
            if creator not in names and not is_there:
                context.findings.trouble(
                    key,
                    "RoleNotFound",
                    f"{place}.creator: there is no role {creator!r} on this server, so its new"
                    " objects give nothing; all else holds. Create it, or correct the name.",
                )
    return {database: tuple(defaults) for database, defaults in found.items()}


def _by_key(item: tuple[ResourceKey, str | None]) -> ResourceKey:
    return item[0]


@dataclass(frozen=True, slots=True)
class _Others:
    """Whom a namespace may name as creators, asked once: one that is not there may be any of them.

    Not who else gives something: else whoever names a creator that never was would keep what a
    narrowed `allow` takes.
    """

    context: Context
    own: Mapping[str, set[str]]
    found: dict[str, frozenset[str]] = field(default_factory=dict)

    def of(self, namespace: str) -> frozenset[str]:
        """By the names that they have, or get by the same plan."""
        if namespace not in self.found:
            situation, own = self.context.situation, self.own.get(namespace, set())
            every = set(situation.server.roles).union(*self.own.values())
            self.found[namespace] = frozenset(
                name for name in every if not creator_trouble(situation, namespace, name, own)
            )
        return self.found[namespace]


def _declared(
    context: Context,
    key: ResourceKey,
    grantee: str | None,
    place: str,
    one: DefaultPrivilege,
    creator: str,
    powers: OwnersOfPower,
) -> list[DeclaredDefault]:
    """For each of its schemas; none where the server knows no such thing."""
    major, row = context.situation.server.major, KINDS[one.object_kind]
    if creator == grantee:
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
    if grantee is None:
        privileges = given_to_public(context, key, f"{place}.actions", privileges, row)
    code = powers.bound(key.namespace, privileges, one.actions)
    if code is not None and creator in code.owners:
        privileges -= code.privileges
        said = f"{place}.actions: {code.not_given(f'what {creator!r} makes')}"
        if code.named:
            context.findings.trouble(key, "NotAllowed", said)
        else:
            context.findings.note(key, said)
    schemas = one.schemas or (None,)
    return [
        DeclaredDefault(creator, schema, row.kind, grantee, privileges, (key,))
        for schema in schemas
        if privileges
    ]
