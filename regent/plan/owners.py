"""Who shall own what, against who owns it: changes, troubles and notes. Pure (ADR 36).

Whoever owns a schema or a database may drop all that stands in it. So nothing is taken from a role
that the declaration may not take it from, and of two roles that claim it none gets it by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from regent.changes import CreateOwned, GatherObjects, ObjectRef, SetOwner
from regent.desired import Desired, DesiredOwner
from regent.kinds import CONTAINERS, DATABASES, KINDS, LOCAL, Scope
from regent.observed import AclItem, ObjectGroup, Observed, ObservedDatabase, ObservedServer
from regent.plan.edits import refs_of
from regent.plan.matching import is_system
from regent.reach import Reaches
from shared.keys import ResourceKey
from shared.listing import first_of
from shared.outcomes import State
from shared.patterns import matcher
from shared.privileges import ObjectKind

MOST_NAMED = 5
BUILT_IN = "i"
"""The form of a routine in the server's own language (sql/inspect/kinds/routine.sql)."""
OwnerChange: TypeAlias = CreateOwned | SetOwner | GatherObjects
_IN_SCHEMAS = tuple(
    row.kind for row in LOCAL if row.scope is Scope.IN_SCHEMA and row.part_of is None
)
"""Tables before the sequences that go with them."""
FIELDS: Mapping[ObjectKind, str] = {CONTAINERS.kind: "schemas", DATABASES.kind: "databases"}
Target = tuple[ObjectKind, str, str]
"""Kind, database, name."""
Moving = Mapping[tuple[ObjectKind, str], SetOwner]
"""What of one database gets another owner, by kind and name."""
Kept = Mapping[tuple[ObjectKind, str], frozenset[str]]
"""Of these, what the former owner has by a declaration."""
Said = tuple[State, str, str]
"""State, reason, message."""


@dataclass(slots=True)
class Ownership:
    """What is to be done, and what is to be said of the resources that declare it."""

    changes: list[OwnerChange] = field(default_factory=list)
    troubles: dict[ResourceKey, Said] = field(default_factory=dict)
    notes: dict[ResourceKey, list[str]] = field(default_factory=dict)

    def trouble(self, claims: Sequence[DesiredOwner], reason: str, message: str) -> None:
        """Something is not as these declare it."""
        state: State = "Reconciling" if reason == "OwnedNotFound" else "Stalled"
        for key in (key for claim in claims for key in claim.declared_by):
            self.troubles.setdefault(key, (state, reason, message))


@dataclass(frozen=True, slots=True)
class Owners:
    """The changes of owners of one plan."""

    changes: Sequence[OwnerChange]

    def of(self, database: str) -> Moving:
        """What of one database gets another owner, itself too."""
        return {
            (one.kind, one.name): one
            for one in self.changes
            if isinstance(one, SetOwner) and one.database == database
        }

    def keeping(self, kept: Mapping[str, Kept]) -> list[OwnerChange]:
        """All of them; `kept` is by database what the former owners are to have."""
        return [
            replace(one, keeps=kept.get(one.database, {}).get((one.kind, one.name), frozenset()))
            if isinstance(one, SetOwner)
            else one
            for one in self.changes
        ]


def ownership(desired: Desired, observed: Observed) -> Ownership:
    """All of it; what stands in a database that was not read is left alone."""
    found = Ownership()
    claims: dict[Target, list[DesiredOwner]] = {}
    for one in desired.owners:
        claims.setdefault((one.kind, one.database, one.name), []).append(one)
    judge = _Judge(desired, observed, found)
    for target in sorted(claims, key=lambda one: (one[0].value, *one[1:])):
        judge.judge(target, claims[target])
    for key, text in _undeclared(desired, observed, claims):
        found.notes.setdefault(key, []).append(text)
    return found


def handed(group: ObjectGroup, change: SetOwner, kept: frozenset[str]) -> ObjectGroup:
    """The one object, as it will be once it has its owner: what the former gave counts as his."""

    def name(role: str) -> str:
        return change.owner if role == change.former else role

    items: dict[tuple[str | None, str], AclItem] = {}
    for item in group.acl:
        place = None if item.grantee is None else name(item.grantee), name(item.grantor)
        known = items.get(place, AclItem(*place, frozenset()))
        items[place] = replace(
            known,
            privileges=known.privileges | item.privileges,
            grantable=known.grantable | item.grantable,
        )
    if kept:
        items[change.former, change.owner] = AclItem(change.former, change.owner, kept)
    return replace(
        group,
        owner=change.owner,
        acl=tuple(items.values()),
        names=(change.name,),
        oids=(change.oid,),
    )


class _Judge:
    """Decides about one target after another."""

    def __init__(self, desired: Desired, observed: Observed, found: Ownership) -> None:
        self._desired = desired
        self._observed = observed
        self._found = found
        self._is_ignored = matcher(desired.ignore_schemas)
        self._members: Reaches | None = None

    def judge(self, target: Target, claims: list[DesiredOwner]) -> None:
        """One schema, with all that claim it."""
        kind, database, name = target
        groups = self._groups(kind, database)
        if groups is None:
            return
        if kind is CONTAINERS.kind and self._is_out_of_reach(name, claims):
            return
        group = next((one for one in groups if name in one.names), None)
        present = None if group is None else group.owner
        settled = self._settled(target, claims, present)
        if not settled:
            return
        if group is None:
            self._missing(target, settled)
        elif present == settled[0].owner or self._another(target, settled, group):
            self._gather(target, settled)

    def _groups(self, kind: ObjectKind, database: str) -> Sequence[ObjectGroup] | None:
        """Those among which it must be; None where nobody knows."""
        if kind is DATABASES.kind:
            return self._observed.server.databases
        reading = self._observed.databases.get(database)
        if reading is None or reading.is_partial:
            return None
        return [group for group in reading.groups if group.kind is kind]

    def _is_out_of_reach(self, name: str, claims: Sequence[DesiredOwner]) -> bool:
        if is_system(name):
            said = "belongs to PostgreSQL or to PostgRegent, and is nobody's own. Take it out here."
        elif self._is_ignored(name):
            said = "is in spec.ignoreSchemas of the Regent. Take it out of one of the two."
        else:
            return False
        self._found.trouble(claims, "NotAllowed", f"spec.owns.schemas: {name!r} {said}")
        return True

    def _settled(
        self, target: Target, claims: list[DesiredOwner], present: str | None
    ) -> list[DesiredOwner]:
        """The claims of the one role that may have it: who owns it already, else the only one."""
        owners = {claim.owner for claim in claims}
        if len(owners) == 1:
            return claims
        losers = [claim for claim in claims if claim.owner != present]
        listed = first_of(
            sorted(f"{c.owner!r} ({', '.join(map(str, c.declared_by))})" for c in claims),
            MOST_NAMED,
        )
        if present in owners:
            end = f"{present!r} owns it and keeps it"
        else:
            end = "it stays as it is, and nobody gets it"
        self._found.trouble(
            losers,
            "OwnerConflict",
            f"{_field(target)} is to be owned by {listed}: {end}. Take it out of all but one.",
        )
        return [claim for claim in claims if claim.owner == present]

    def _missing(self, target: Target, claims: Sequence[DesiredOwner]) -> None:
        kind, database, name = target
        making = [claim for claim in claims if claim.create]
        refusal = next((claim.refusal for claim in making if claim.refusal), "")
        if refusal:
            self._found.trouble(claims, "NotAllowed", refusal)
        elif making:
            causes = _causes(claims)
            self._found.changes.append(
                CreateOwned(kind, database, name, making[0].owner, causes=causes)
            )
        else:
            said = f"{_field(target)} is not there. Create it, or set create: true."
            self._found.trouble(claims, "OwnedNotFound", said)

    def _another(self, target: Target, claims: Sequence[DesiredOwner], group: ObjectGroup) -> bool:
        """Whether it may get its owner, which then is planned."""
        kind, database, name = target
        former, owner = group.owner, claims[0].owner
        if group.is_extension_member:
            said = f"{_field(target)} belongs to an extension. Take it out here."
            self._found.trouble(claims, "NotAllowed", said)
            return False
        if not any(one.taken_from is None or former in one.taken_from for one in claims):
            self._found.trouble(claims, "NotAllowed", _not_taken(target, former, claims[0]))
            return False
        self._found.changes.append(
            SetOwner(
                kind,
                database,
                name,
                owner,
                oid=group.oids[group.names.index(name)],
                former=former,
                strands=self._strands(former, owner),
                causes=_causes(claims),
            )
        )
        return True

    def _gather(self, target: Target, claims: Sequence[DesiredOwner]) -> None:
        """What stands in the schema, where that is declared too: by kind and owner."""
        _, database, schema = target
        wanting = [claim for claim in claims if claim.objects]
        if not wanting:
            return
        found: dict[tuple[int, str], list[ObjectRef]] = {}
        for group in astray(self._observed.databases[database], schema, wanting[0].owner):
            place = (_IN_SCHEMAS.index(group.kind), group.owner)
            found.setdefault(place, []).extend(refs_of(group, range(len(group.names))))
        for (kind, former), refs in sorted(found.items()):
            if not any(one.taken_from is None or former in one.taken_from for one in wanting):
                said = _not_taken(target, former, wanting[0], what="has objects that belong")
                self._found.trouble(claims, "NotAllowed", said)
                continue
            self._found.changes.append(
                GatherObjects(
                    _IN_SCHEMAS[kind],
                    database,
                    schema,
                    wanting[0].owner,
                    objects=tuple(sorted(refs, key=lambda ref: ref.oid)),
                    former=former,
                    listed=wanting[0].listed,
                    strands=self._strands(former, wanting[0].owner),
                    causes=_causes(claims),
                )
            )

    def _strands(self, former: str, owner: str) -> bool:
        """Whether the former owner can do nothing more about it: said, as migrations may run so."""
        server = self._observed.server
        role = server.roles.get(former)
        if role is not None and role.attributes.superuser:
            return False
        if self._members is None:
            self._members = _as_declared(self._desired, server)
        return owner not in self._members.roles_of(former)


def _as_declared(desired: Desired, server: ObservedServer) -> Reaches:
    """Who is a member of what once the declared memberships hold."""
    managed = desired.managed
    kept = ((m.member, m.group) for m in server.memberships if m.group not in managed)
    return Reaches.by(server, [*kept, *((m.member, m.group) for m in desired.memberships)])


def _undeclared(
    desired: Desired, observed: Observed, claims: Mapping[Target, Sequence[DesiredOwner]]
) -> Iterator[tuple[ResourceKey, str]]:
    """What managed roles own although `owns` does not list it: it stays with them."""
    for (owner, kind, place), names in _owned(desired, observed).items():
        more = sorted(
            name
            for database, name in names
            if all(one.owner != owner for one in claims.get((kind, database, name), ()))
        )
        if not more:
            continue
        row = KINDS[kind]
        what = f"the {row.one if len(more) == 1 else row.many} {first_of(more, MOST_NAMED)}{place}"
        stays = "it stays" if len(more) == 1 else "they stay"
        said = f"{owner!r} owns {what}, which spec.owns does not list: {stays} its own."
        for key in desired.roles[owner].declared_by:
            yield key, said


def _owned(
    desired: Desired, observed: Observed
) -> dict[tuple[str, ObjectKind, str], list[tuple[str, str]]]:
    """What managed roles own, by role, kind and the words for the place: (database, name)."""
    found: dict[tuple[str, ObjectKind, str], list[tuple[str, str]]] = {}
    for group in observed.server.databases:
        if group.owner in desired.roles:
            served = [(name, name) for name in group.names if name in desired.grants]
            found.setdefault((group.owner, group.kind, ""), []).extend(served)
    for database, reading in sorted(observed.databases.items()):
        for group in reading.groups:
            if group.kind is CONTAINERS.kind and group.owner in desired.roles:
                here = [(database, name) for name in group.names if not is_system(name)]
                place = f" of {database!r}"
                found.setdefault((group.owner, group.kind, place), []).extend(here)
    return found


def astray(reading: ObservedDatabase, schema: str, owner: str) -> Iterator[ObjectGroup]:
    """What stands in the schema and belongs to somebody else; members of extensions stay."""
    for group in reading.groups:
        is_reached = not (group.is_extension_member or group.is_out_of_reach or _is_built_in(group))
        is_in = group.schema == schema and group.kind in _IN_SCHEMAS
        if is_in and is_reached and group.owner != owner:
            yield group


def _is_built_in(group: ObjectGroup) -> bool:
    """Constructors of ranges: they belong to whoever made the server, whoever makes the range."""
    return group.relation_kind == BUILT_IN


def has_astray(desired: Desired, reading: ObservedDatabase) -> bool:
    """Whether anything of a reading should have another owner."""
    return any(
        one.objects and one.database == reading.name and any(astray(reading, one.name, one.owner))
        for one in desired.owners
    )


def _not_taken(target: Target, former: str, claim: DesiredOwner, *, what: str = "belongs") -> str:
    _, _, name = target
    return (
        f"{_field(target)} {what} to {former!r}, which is no managed role of this namespace. Add"
        f" {name!r} to {claim.bounded_by} of the Regent, or take it out here."
    )


def _field(target: Target) -> str:
    kind, database, name = target
    place = f" of {database!r}" if kind is CONTAINERS.kind else ""
    return f"spec.owns.{FIELDS[kind]}: the {KINDS[kind].one} {name!r}{place}"


def _causes(claims: Sequence[DesiredOwner]) -> tuple[ResourceKey, ...]:
    return tuple(sorted({key for claim in claims for key in claim.declared_by}))
