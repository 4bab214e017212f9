"""Who shall own what, against who owns it: changes, troubles and notes. Pure (ADR 36).

Whoever owns a schema or a database may drop all that stands in it. So nothing is taken from a role
that the declaration may not take it from, and of two roles that claim it none gets it by chance.

Long because all that may become of one target is judged in one place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from regent.changes import Change, CreateOwned, GatherObjects, ObjectRef, SetOwner
from regent.desired import Desired, DesiredOwner
from regent.kinds import CONTAINERS, DATABASES, KINDS
from regent.observed import AclItem, ObjectGroup, Observed, ObservedDatabase, ObservedServer
from regent.plan.edits import refs_of
from regent.plan.gathered import Gathering, KeptOn, gathered_by, handed_acl, way_of
from regent.plan.matching import is_system
from regent.plan.owned_unlisted import MOST_NAMED, Target, unlisted
from regent.plan.standing import IN_SCHEMAS, Place, by_name, by_schema
from regent.reach import Reaches
from shared.keys import ResourceKey
from shared.listing import first_of
from shared.outcomes import State
from shared.patterns import matcher
from shared.privileges import ObjectKind

OwnerChange: TypeAlias = CreateOwned | SetOwner | GatherObjects
FIELDS: Mapping[ObjectKind, str] = {CONTAINERS.kind: "schemas", DATABASES.kind: "databases"}
Moving = Mapping[tuple[ObjectKind, str], SetOwner]
"""What of one database gets another owner, by kind and name."""
Kept = Mapping[tuple[ObjectKind, str], frozenset[str]]
"""Of these, what the former owner has by a declaration."""
Stays: TypeAlias = tuple[ObjectKind, str, str | int]
"""Kind, database, and the name of a schema or database, or the oid of what stands in a schema."""
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

    def of(self, database: str, staying: Collection[Stays] = ()) -> Moving:
        """What of one database gets another owner, itself too, less what is `staying`."""
        return {
            (one.kind, one.name): one
            for one in self.changes
            if isinstance(one, SetOwner)
            and one.database == database
            and target_of(one) not in staying
        }

    def gathering(self, database: str, staying: Collection[Stays] = ()) -> Gathering:
        """What stands in its schemas and goes to their owners, less what is `staying`."""
        found = gathered_by(self.changes, database)
        if not staying:
            return found
        return {a: one for a, one in found.items() if (one.kind, database, a.oid) not in staying}

    def keeping(self, kept: Mapping[str, Kept], kept_on: Mapping[str, KeptOn]) -> list[OwnerChange]:
        """All of them, with what the former owners are to have, by database.

        `kept` is of schemas and databases, `kept_on` of what goes to the owners of its schemas.
        """
        return [
            replace(one, keeps=kept.get(one.database, {}).get((one.kind, one.name), frozenset()))
            if isinstance(one, SetOwner)
            else replace(one, keeps=kept_on.get(one.database, {}).get(way_of(one), ()))
            if isinstance(one, GatherObjects)
            else one
            for one in self.changes
        ]


def target_of(change: SetOwner) -> Target:
    """What it gives to its owner."""
    return change.kind, change.database, change.name


def staying(not_done: Iterable[Change]) -> frozenset[Stays]:
    """What keeps its owner for now, by the changes that are refused or wait for a person."""
    left = tuple(not_done)
    objects = (
        (one.kind, one.database, ref.oid)
        for one in left
        if isinstance(one, GatherObjects)
        for ref in one.objects
    )
    return frozenset((*(target_of(one) for one in left if isinstance(one, SetOwner)), *objects))


def ownership(desired: Desired, observed: Observed) -> Ownership:
    """All of it; what stands in a database that was not read is left alone."""
    found = Ownership()
    claims: dict[Target, list[DesiredOwner]] = {}
    for one in desired.owners:
        claims.setdefault((one.kind, one.database, one.name), []).append(one)
    judge = _Judge(desired, observed, found)
    for target in sorted(claims, key=lambda one: (one[0].value, *one[1:])):
        judge.judge(target, claims[target])
    for key, text in unlisted(desired, observed, claims):
        found.notes.setdefault(key, []).append(text)
    return found


def handed(group: ObjectGroup, change: SetOwner, kept: frozenset[str]) -> ObjectGroup:
    """The one object, as it will be once it has its owner: what the former gave counts as his."""
    acl = handed_acl(group.acl, change.former, change.owner)
    if kept:
        acl = (*acl, AclItem(change.former, change.owner, kept))
    return replace(
        group,
        owner=change.owner,
        acl=acl,
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
        self._known: dict[tuple[ObjectKind, str], Mapping[str, Place] | None] = {}
        self._standing: dict[str, Mapping[str, Sequence[ObjectGroup]]] = {}

    def judge(self, target: Target, claims: list[DesiredOwner]) -> None:
        """One schema, with all that claim it."""
        kind, database, name = target
        places = self._places(kind, database)
        if places is None:
            return
        if kind is CONTAINERS.kind and self._is_out_of_reach(name, claims):
            return
        place = places.get(name)
        present = None if place is None else place[0].owner
        settled = self._settled(target, claims, present)
        if not settled:
            return
        if place is None:
            self._missing(target, settled)
        elif present == settled[0].owner or self._another(target, settled, place):
            self._gather(target, settled)

    def _places(self, kind: ObjectKind, database: str) -> Mapping[str, Place] | None:
        """Those among which it must be; None where nobody knows."""
        if kind is DATABASES.kind:
            database = ""
        if (kind, database) not in self._known:
            self._known[kind, database] = self._looked_up(kind, database)
        return self._known[kind, database]

    def _looked_up(self, kind: ObjectKind, database: str) -> Mapping[str, Place] | None:
        if kind is DATABASES.kind:
            return by_name(self._observed.server.databases)
        reading = self._observed.databases.get(database)
        if reading is None or reading.is_partial:
            return None
        return by_name(group for group in reading.groups if group.kind is kind)

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
        if len({claim.owner for claim in claims}) > 1:
            claims = self._possible(target, claims, present)
        owners = {claim.owner for claim in claims}
        if len(owners) <= 1:
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

    def _possible(
        self, target: Target, claims: list[DesiredOwner], present: str | None
    ) -> list[DesiredOwner]:
        """Without those that cannot be fulfilled anyway: each says why, and is in nobody's way."""
        if present is not None:
            outside = [one for one in claims if one.owner != present and not _may(one, present)]
            for one in outside:
                self._found.trouble([one], "NotAllowed", _not_taken(target, present, one))
            return [one for one in claims if one not in outside]
        refused = [one for one in claims if one.create and one.refusal]
        for one in refused:
            self._found.trouble([one], "NotAllowed", one.refusal)
        able = [one for one in claims if one not in refused]
        making = [one for one in able if one.create]
        if not making:
            return able
        self._found.trouble(
            [one for one in able if not one.create], "OwnedNotFound", _not_there(target)
        )
        return making

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
            self._found.trouble(claims, "OwnedNotFound", _not_there(target))

    def _another(self, target: Target, claims: Sequence[DesiredOwner], place: Place) -> bool:
        """Whether it may get its owner, which then is planned."""
        kind, database, name = target
        group, oid = place
        former, owner = group.owner, claims[0].owner
        if group.is_extension_member:
            said = f"{_field(target)} belongs to an extension. Take it out here."
            self._found.trouble(claims, "NotAllowed", said)
            return False
        if not any(_may(one, former) for one in claims):
            self._found.trouble(claims, "NotAllowed", _not_taken(target, former, claims[0]))
            return False
        self._found.changes.append(
            SetOwner(
                kind,
                database,
                name,
                owner,
                oid=oid,
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
        if database not in self._standing:
            self._standing[database] = by_schema(self._observed.databases[database])
        for group in self._standing[database].get(schema, ()):
            if group.owner == wanting[0].owner:
                continue
            place = (IN_SCHEMAS.index(group.kind), group.owner)
            found.setdefault(place, []).extend(refs_of(group, range(len(group.names))))
        for (kind, former), refs in sorted(found.items()):
            if not any(_may(one, former) for one in wanting):
                said = _not_taken(target, former, wanting[0], what="has objects that belong")
                self._found.trouble(claims, "NotAllowed", said)
                continue
            self._found.changes.append(
                GatherObjects(
                    IN_SCHEMAS[kind],
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


def has_astray(desired: Desired, reading: ObservedDatabase) -> bool:
    """Whether anything of a reading should have another owner."""
    wanting = [one for one in desired.owners if one.objects and one.database == reading.name]
    standing = by_schema(reading) if wanting else {}
    return any(group.owner != one.owner for one in wanting for group in standing.get(one.name, ()))


def _may(claim: DesiredOwner, former: str) -> bool:
    """Whether it may be taken from this role."""
    return claim.taken_from is None or former in claim.taken_from


def _not_there(target: Target) -> str:
    return f"{_field(target)} is not there. Create it, or set create: true."


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
