"""`owns` becomes who shall own what, and from whom it may be taken (ADR 36). Pure.

`allow.schemas` says what may be named; to own a schema is to drop all that stands in it. So what
another one owns is taken only where `allow.ownedSchemas` lists it, or where it is in the hands of
the same namespace anyway. A schema that is called as a role is stands first in that role's
search_path, and `public` in everybody's: no pattern means these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from regent.desired import DesiredOwner
from regent.kinds import CONTAINERS, DATABASES
from regent.resolve.allow_lists import AllowLists
from regent.resolve.allowed import database_refused_by, heir_standing, refused_by
from regent.resolve.context import Claim, Context
from shared.keys import ResourceKey
from shared.outside_schemas import DATABASE
from shared.resources.grantee import OwnedSchema
from shared.state import RoleEntry, UserEntry

PUBLIC_SCHEMA = "public"


@dataclass(frozen=True, slots=True)
class _Names:
    """Of roles: those in the hands of one namespace, and those that are or shall be on the server.

    What is declared and gets no name counts for nothing: else a refused Role of any namespace would
    keep others from their schemas.
    """

    own: frozenset[str]
    roles: frozenset[str]


def desired_owners(context: Context) -> tuple[DesiredOwner, ...]:
    """What every Role and User that got its name shall own; each once, by all who declare it."""
    found: dict[tuple[object, ...], DesiredOwner] = {}
    own: dict[str, frozenset[str]] = {}
    roles = frozenset(context.situation.server.roles).union(
        claim.name for claim in context.granted.values()
    )
    for key, claim in sorted(context.granted.items()):
        entry = context.listed.entries[key]
        if entry.spec.owns is None:
            continue
        if key.namespace not in own:
            own[key.namespace] = _names_of(context, key.namespace)
        names = own[key.namespace]
        for one in (
            *_databases(context, key, claim, entry, names),
            *_schemas(context, key, claim, entry, _Names(names, roles)),
        ):
            place = (one.kind, one.database, one.name, one.owner)
            found[place] = _merged(found.get(place), one)
    return tuple(found.values())


def _merged(earlier: DesiredOwner | None, later: DesiredOwner) -> DesiredOwner:
    """A Role and the User that is this Role may both say so."""
    if earlier is None:
        return later
    making = earlier if earlier.create else later
    return DesiredOwner(
        kind=later.kind,
        database=later.database,
        name=later.name,
        owner=later.owner,
        declared_by=(*earlier.declared_by, *later.declared_by),
        create=making.create,
        objects=earlier.objects or later.objects,
        listed=later.listed,
        refusal=making.refusal,
        taken_from=later.taken_from,
        bounded_by=later.bounded_by,
    )


def _names_of(context: Context, namespace: str) -> frozenset[str]:
    """The managed roles of a namespace, those at their end too: what they own is in its hands."""
    marked = context.situation.marked.mine.values()
    marks = (mark for mark in marked if mark.holder.namespace == namespace)
    ending = (context.situation.marked.observed_name(mark) or mark.role for mark in marks)
    granted = (c.name for key, c in context.granted.items() if key.namespace == namespace)
    return frozenset(granted).union(ending)


def _databases(
    context: Context,
    key: ResourceKey,
    claim: Claim,
    entry: RoleEntry | UserEntry,
    own: frozenset[str],
) -> Iterator[DesiredOwner]:
    """Served databases: whose Regent lists one means it, and no other is this Regent's business."""
    for one in entry.spec.owns.databases if entry.spec.owns else ():
        field = f"spec.owns.databases: {one.name!r}"
        if one.name not in context.situation.served:
            said = f"{field} is not served by this Regent, so nobody gets it here. Add it to"
            said += " spec.additionalDatabases of the Regent, or take it out here."
            if entry.kind == "User":  # another of its Regents may serve it
                context.findings.note(key, said)
            else:
                context.findings.trouble(key, "NotAllowed", said)
            continue
        if where := database_refused_by(context.situation, key.namespace, one.name):
            said = f"{field} is not in {where}.databases of the Regent. Add it there, or take it"
            context.findings.trouble(key, "NotAllowed", f"{said} out here.")
            continue
        if where := refused_by(context.situation, key.namespace, _opens_databases):
            said = f"{field}: its owner makes schemas of any name in it, and database is not in"
            said += f" {where}.outsideSchemas of the Regent. Add it there, or take it out here."
            context.findings.trouble(key, "NotAllowed", said)
            continue
        unlisted = refused_by(context.situation, key.namespace, _lists_database(one.name))
        yield DesiredOwner(
            kind=DATABASES.kind,
            database=one.name,
            name=one.name,
            owner=claim.name,
            declared_by=(key,),
            create=one.create is True,
            taken_from=own if unlisted else None,
            bounded_by=f"{unlisted}.ownedDatabases" if unlisted else "",
        )


def _schemas(
    context: Context,
    key: ResourceKey,
    claim: Claim,
    entry: RoleEntry | UserEntry,
    names: _Names,
) -> Iterator[DesiredOwner]:
    """Schemas of the database that `database` names, less what the Regent does not allow."""
    owned = entry.spec.owns.schemas if entry.spec.owns else ()
    database = entry.spec.database
    if not owned or database is None:
        return
    if database not in context.situation.served:
        said = f"spec.owns.schemas: this Regent does not serve {database!r}: nothing is owned here."
        context.findings.note(key, said)
        return
    situation, namespace = context.situation, key.namespace
    for one in owned:
        outside, name = "", one.name
        if where := database_refused_by(situation, namespace, database):
            outside = f"spec.database: {database!r} is not in {where}.databases"
        elif where := refused_by(situation, namespace, _lets_schema(name)):
            outside = f"spec.owns.schemas: {name!r} is not in {where}.schemas"
        if outside:
            said = f"{outside} of the Regent. Add it there, or take it out here."
            context.findings.trouble(key, "NotAllowed", said)
            continue
        yield _schema(context, key, claim, (database, one), names)


def _schema(
    context: Context,
    key: ResourceKey,
    claim: Claim,
    what: tuple[str, OwnedSchema],
    names: _Names,
) -> DesiredOwner:
    database, one = what
    is_anothers = one.name == PUBLIC_SCHEMA or (
        one.name != claim.name and (one.name in names.roles or one.name in names.own)
    )
    unlisted = refused_by(
        context.situation, key.namespace, _lists_schema(one.name, exactly=is_anothers)
    )
    refusal = "" if not unlisted or not is_anothers else (
        f"spec.owns.schemas: {one.name!r} is the first place where sessions of the role of that"
        " name look. Add its exact name to "
        f"{unlisted}.ownedSchemas of the Regent, or take it out here."
    )  # fmt: skip
    return DesiredOwner(
        kind=CONTAINERS.kind,
        database=database,
        name=one.name,
        owner=claim.name,
        declared_by=(key,),
        create=one.create is True,
        refusal=refusal,
        taken_from=names.own if unlisted else None,
        bounded_by=f"{unlisted}.ownedSchemas" if unlisted else "",
        objects=one.objects is True,
        listed=heir_standing(context.situation, key.namespace, claim.name, names.own)[0],
    )


def _lets_schema(name: str) -> Callable[[AllowLists], bool]:
    return lambda lists: lists.schemas.lets_in(name)


def _lists_schema(name: str, *, exactly: bool) -> Callable[[AllowLists], bool]:
    def lists_it(lists: AllowLists) -> bool:
        given = lists.owned_schemas
        return name in given.names if exactly else given.matches(name)

    return lists_it


def _opens_databases(lists: AllowLists) -> bool:
    return DATABASE in lists.outside_schemas


def _lists_database(name: str) -> Callable[[AllowLists], bool]:
    return lambda lists: lists.owned_databases.matches(name)
