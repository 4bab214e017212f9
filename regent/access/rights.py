"""What a place gives to each role, as has_*_privilege() says it. Pure.

Superusers need none of it: that somebody is or becomes one is a power (regent/access/powers.py).
Beside privileges there are their grant options, and OWNER: whoever has the rights of an owner
alters and drops the object, and gives others every privilege on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from regent.access.places import Held, Place, Places
from regent.why.chains import FIRST_UNPINNED_OID, Chains, How
from regent.why.reaching import Reaching
from regent.why.target import Target
from shared.privileges import PRIVILEGES_OF, unknown_to

OWNER = "OWNER"
_PASSED_ON = " WITH GRANT OPTION"
PINNED_OID = FIRST_UNPINNED_OID - 1


class Way(IntEnum):
    """How somebody has something; what is more is easier."""

    NONE = 0
    SET_ROLE = 1
    AT_ONCE = 2


Words = Mapping[str, Way]
"""What somebody has at one place, by its word: a privilege, its grant option, OWNER."""
NOTHING: Words = {}


@dataclass(frozen=True, slots=True)
class Rights:
    """What one place gives: to everybody (PUBLIC), and to some roles."""

    everybody: frozenset[str]
    by_role: Mapping[str, Words]

    def of(self, role: str) -> Words:
        """What a role has there, by itself and as everybody."""
        own = self.by_role.get(role, NOTHING)
        if not self.everybody:
            return own
        return {**own, **dict.fromkeys(self.everybody, Way.AT_ONCE)}


@dataclass(frozen=True, slots=True)
class Via:
    """The shortest way to something: whom it is given to, None for PUBLIC, and who comes there.

    `through` are the groups on the way, `set_role` the one to become first.
    """

    principal: str | None
    through: tuple[str, ...] = ()
    set_role: str = ""


@dataclass(frozen=True)
class Access:
    """Who has what, of all that was read. What is equal is reckoned once."""

    places: Places
    _rights: dict[tuple[object, ...], Rights] = field(default_factory=dict)
    _reaching: dict[str, Reaching] = field(default_factory=dict)

    def at(self, place: Place) -> Rights:
        """What a place gives."""
        return self.by(place, self.places.of(place))

    def by(self, place: Place, held: Held) -> Rights:
        """The same, where it is known what decides there."""
        key = (place.kind, place.database, held)
        if key not in self._rights:
            self._rights[key] = self._reckoned(place, held)
        return self._rights[key]

    def via(self, place: Place, held: Held, role: str) -> Mapping[str, Via]:
        """By which way a role has each of its words there, PUBLIC left out."""
        found: dict[str, Via] = {}
        reaching = self.reaching(place.database)
        for word, principal in self._given(place, held):
            if principal is None:
                continue
            reached, new = reaching.to(principal), None
            if role in reached.at_once:
                new = Via(principal, tuple(link.group for link in reached.at_once[role]))
            elif role in reached.by_set_role:
                links, becomes = reached.by_set_role[role]
                new = Via(principal, tuple(link.group for link in links), becomes)
            if new is not None and (word not in found or _length(new) < _length(found[word])):
                found[word] = new
        return found

    def reaching(self, database: str) -> Reaching:
        """Who comes to what somebody has, in a database; of what has none in the first of all."""
        database = database or next(iter(self.places.databases), "")
        owner = self.places.owner_of(database)
        if owner not in self._reaching:
            self._reaching[owner] = Reaching(self.places.server, owner)
        return self._reaching[owner]

    def _reckoned(self, place: Place, held: Held) -> Rights:
        everybody: set[str] = set()
        by_role: dict[str, dict[str, Way]] = {}
        reaching = self.reaching(place.database)
        for word, principal in self._given(place, held):
            if principal is None:
                everybody.add(word)
                continue
            reached = reaching.to(principal)
            for role in reached.at_once:
                by_role.setdefault(role, {})[word] = Way.AT_ONCE
            for role in reached.by_set_role:
                by_role.setdefault(role, {}).setdefault(word, Way.SET_ROLE)
        return Rights(frozenset(everybody), by_role)

    def _given(self, place: Place, held: Held) -> Iterator[tuple[str, str | None]]:
        """Each word, and whom it is given to."""
        server = self.places.server
        if place.is_new:
            yield from _of_new(held)
            return
        if held.owner:
            yield OWNER, held.owner
        target = _target(place, held)
        for privilege in sorted(PRIVILEGES_OF[place.kind] - unknown_to(server.major, place.kind)):
            for source in Chains(server, "", target, privilege).sources:
                if source.how is How.SUPERUSER:
                    continue
                yield privilege, source.principal
                if source.item is not None and privilege in source.item.grantable:
                    yield f"{privilege}{_PASSED_ON}", source.principal


def _length(via: Via) -> tuple[bool, int, str]:
    return bool(via.set_role), len(via.through), via.principal or ""


def _of_new(held: Held) -> Iterator[tuple[str, str | None]]:
    for item in held.acl:
        yield from ((word, item.grantee) for word in sorted(item.privileges))
        yield from ((f"{word}{_PASSED_ON}", item.grantee) for word in sorted(item.grantable))


def _target(place: Place, held: Held) -> Target:
    return Target(
        kind=place.kind,
        name=place.called,
        schema=place.schema or None,
        key=place.name,
        oid=PINNED_OID if held.is_pinned else FIRST_UNPINNED_OID,
        owner=held.owner,
        acl=held.acl,
        column=place.column,
        column_acl=held.column_acl,
    )
