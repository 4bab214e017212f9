"""Whether a wildcard says nothing more than holds already: what is made later gets it anyway. Pure.

A wildcard reaches what is there now and what comes. What is there is exact where everything has the
privilege; what comes is exact where everybody who makes objects there gives it by default
privileges, or PostgreSQL does (EXECUTE and USAGE of PUBLIC). ADR 59.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from regent.export.held import Grantee, Holding, Place, Spot
from regent.kinds import CONTAINERS, KINDS
from regent.observed import DATABASE_OWNER, Observed, ObservedDatabase
from shared.patterns import escaped
from shared.privileges import ObjectKind


@dataclass(slots=True)
class Later:
    """The defaults of one server and who makes objects where.

    `is_wide`: a wildcard is written wherever everything has it now.
    """

    observed: Observed
    found: Holding
    is_wide: bool = False
    _makers: dict[Place, frozenset[str] | None] = field(default_factory=dict)
    _given: dict[tuple[str, str, str | None, ObjectKind], frozenset[tuple[Grantee, str]]] = field(
        default_factory=dict
    )

    def fits(self, grantee: Grantee, spot: Spot) -> bool:
        """Whether all that is made there later will be held by this grantee without a wildcard."""
        place = spot.place
        if spot.is_of_extension or KINDS[place.kind].new_ones is None or spot.is_grantable:
            return False
        if self.is_wide:
            return True
        makers = self.makers(place)
        if not makers:
            return False
        return all(self.gives(one, place, grantee, spot.privilege) for one in makers)

    def makers(self, place: Place) -> frozenset[str] | None:
        """Who makes such objects there: who did, owns the schema, or may by CREATE.

        None where that is everybody.
        """
        if place not in self._makers:
            self._makers[place] = self._found_makers(place)
        return self._makers[place]

    def gives(self, maker: str, place: Place, grantee: Grantee, privilege: str) -> bool:
        """Whether a role gives it on whatever it makes there."""
        if maker == grantee:
            return True
        key = (place.database, maker, place.schema, place.kind)
        if key not in self._given:
            self._given[key] = frozenset(self._all_given(place, maker))
        return (grantee, privilege) in self._given[key]

    def _found_makers(self, place: Place) -> frozenset[str] | None:
        if place.schema is None:
            return None
        schemas = Place(place.database, CONTAINERS.kind, None)
        name = escaped(place.schema)
        makers = set(self.found.owners.get(place, {}).values())
        makers.add(self.found.owners.get(schemas, {}).get(name, ""))
        for group in self.observed.databases[place.database].groups:
            if group.kind is CONTAINERS.kind and place.schema in group.names:
                makers.add(group.owner)
                makers.update(
                    item.grantee or "" for item in group.acl if "CREATE" in item.privileges
                )
                if any(i.grantee is None and "CREATE" in i.privileges for i in group.acl):
                    return None
        if DATABASE_OWNER in makers:
            makers.remove(DATABASE_OWNER)
            makers.add(self.observed.server.owner_of(place.database) or "")
        return self._with_members(makers - {""})

    def _with_members(self, makers: set[str]) -> frozenset[str]:
        """And who uses their rights without SET ROLE. The Regent's admins make nothing there."""
        server = self.observed.server
        found, waiting = set(makers), list(makers)
        while waiting:
            group = waiting.pop()
            for row in server.memberships:
                is_known = row.member in server.roles and row.member not in server.own_admins
                if row.group == group and row.inherit and is_known and row.member not in found:
                    found.add(row.member)
                    waiting.append(row.member)
        return frozenset(found)

    def _all_given(self, place: Place, maker: str) -> set[tuple[Grantee, str]]:
        reading = self.observed.databases[place.database]
        found: set[tuple[Grantee, str]] = {(None, one) for one in built_in(place.kind)}
        for default in reading.defaults:
            if (default.creator, default.kind) != (maker, place.kind):
                continue
            if default.schema is None:
                found -= {(None, one) for one in built_in(place.kind)}
            if default.schema in (None, place.schema):
                found |= {(item.grantee, one) for item in default.acl for one in item.privileges}
        return found


def built_in(kind: ObjectKind) -> frozenset[str]:
    """What PUBLIC has on new objects of a kind where nobody took it."""
    new_ones = KINDS[kind].new_ones
    return frozenset() if new_ones is None else new_ones.of_public


def of_public_later(reading: ObservedDatabase, kind: ObjectKind) -> bool:
    """Whether PUBLIC gets what is built in on all that anybody makes later in this database."""
    taken: Mapping[str, bool] = {
        one.creator: not any(
            item.grantee is None and built_in(kind) <= item.privileges for item in one.acl
        )
        for one in reading.defaults
        if one.kind is kind and one.schema is None
    }
    return not any(taken.values())
