"""What the server refused for good is not asked for again (rule 21). Pure.

Found out once, remembered in the home database by a key, and left out of later plans until the
declaration or the admin's own rights change, or an hour is over; for what ends access a minute.
What else takes something away is asked again soon, and later each time: an owner can bring a
refusal about for a moment, and would keep what is taken. Its resource is NotManageable meanwhile.

Long because what is remembered, for how long, and what it leaves out are read together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from regent.apply.result import NEEDS_A_PERSON, NO_EFFECT, ChangeResult, is_passing, way_out
from regent.changes import (
    AlterRole,
    Change,
    DisableRole,
    DropRole,
    Effect,
    EndSessions,
    GatherObjects,
    HandOnOwned,
    OfAttribute,
    Plan,
    PrivilegeChange,
    RevokeDefaults,
    RevokeMembership,
    RevokePrivileges,
)
from regent.gate.digests import digest
from regent.gate.made_first import apart, names_refused
from regent.observed import ObservedServer
from regent.plan.edges import Edge, edges, split
from regent.plan.handing_over import taken_from
from regent.reach import Reaches
from regent.remembered import Unmanageable

AGAIN_AFTER = timedelta(hours=1)
ENDS_AGAIN_AFTER = timedelta(minutes=1)
"""Of what ends access: somebody who shall not may log in all that time."""
_END = "end "
"""What the keys of these begin with."""
TAKES_AGAIN_AFTER = timedelta(seconds=5)
TAKES_AGAIN_AT_LATEST_AFTER = timedelta(minutes=5)
NO_EFFECT_AFTER = timedelta(seconds=1)
NO_EFFECT_AT_LATEST_AFTER = timedelta(seconds=30)
"""Of what is undone at once. What is to be taken is asked again after the first of them always."""
_TAKE = "take "
"""What the keys of what narrows begin with."""

ANY = Effect.WIDEN
"""An edge is the same in whatever order it is asked for."""

Refused = Mapping[str, Unmanageable]
"""What is remembered, by the key of the change."""
NOTHING: Refused = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A change that would be needed, and that the server does not do."""

    change: Change
    sqlstate: str
    message: str
    is_helped: bool = False
    """Its message names the statement that gives the admin the right that it lacks."""

    @property
    def way_out(self) -> str:
        """What a person can do about it."""
        return way_out(self.sqlstate, self.change, is_helped=self.is_helped)


def is_permanent(result: ChangeResult) -> bool:
    """True when only a person, or another declaration, can change the answer."""
    return not result.done and not is_passing(result.sqlstate, result.change)


def keys_of(change: Change) -> tuple[str, ...]:
    """Names a change with all that it is about, in any process, and shows no secret.

    One key; for privileges one per edge (object, grantee, privilege, column), so that an edge has
    the same key in whatever statement it is gathered with others.
    """
    if isinstance(change, GatherObjects):
        return tuple(_keys_of_objects(change).values())
    if not isinstance(change, PrivilegeChange):
        return (f"{_kind_of(change)}{digest(replace(change, causes=()))}",)
    return tuple(_keys(change).values())


def _kind_of(change: Change) -> str:
    """What its keys begin with, by which it is known when it is asked again."""
    if role_that_ends(change):
        return _END
    is_taking = isinstance(change, RevokePrivileges | RevokeMembership | RevokeDefaults)
    if is_taking or (isinstance(change, OfAttribute) and change.effect is Effect.NARROW):
        return _TAKE
    return ""


def _keys_of_objects(change: GatherObjects) -> dict[int, str]:
    """The key of each object that is to get another owner, by its oid."""
    same = digest(replace(change, objects=(), causes=(), strands=False, keeps=()))
    return {one.oid: f"{same} {one.oid}" for one in change.objects}


def role_that_ends(change: Change) -> str:
    """Who can come in, or stays in, as long as this is not done; empty where it ends no access."""
    if isinstance(change, AlterRole | DisableRole | EndSessions) and change.effect is Effect.CLOSE:
        return change.role
    return ""


def rights_of_admin(server: ObservedServer) -> frozenset[str]:
    """What the Regent may do by itself: with other rights the server may not refuse any more.

    A group that it only administers gives it nothing: from 16 on that is each role that it made.
    """
    admin = server.roles.get(server.admin)
    used = ((m.member, m.group) for m in server.memberships if m.inherit or m.set_role)
    reached = Reaches.by(server, used)
    own = {f"{admin.attributes}"} if admin is not None else set()
    return frozenset(own | reached.roles_of(server.admin) | reached.powers_of(server.admin))


def _keys(change: PrivilegeChange) -> dict[Edge, str]:
    """The key of each edge of this change."""
    bare = replace(
        change, objects=(), grantees=(), privileges=frozenset(), columns=(), causes=(), effect=ANY
    )
    if not isinstance(bare, RevokePrivileges):
        bare = replace(bare, instead_of=frozenset())
    same = f"{_kind_of(change)}{digest(bare)}"
    return {
        edge: f"{same} {edge.oid} {edge.privilege} {edge.column!r} {edge.grantee!r}"
        for edge in edges(change)
    }


def still_refused(refused: Refused, now: datetime) -> Refused:
    """Less what is old enough to be asked again."""
    return {key: one for key, one in refused.items() if now < _again_at(key, one)}


def known_for(plan: Plan, refused: Refused, now: datetime) -> Refused:
    """What of a plan is not asked again yet.

    Where sessions would end with it, what takes waits the hour: nobody is thrown out each time.
    """
    known = still_refused(refused, now)
    out = {one.about[0] for one in plan.changes if _ends_what_was_taken(one)}
    if not out:
        return known
    again = {
        key
        for change in plan.changes
        if not out.isdisjoint(taken_from(change))
        for key in keys_of(change)
    }
    later = {
        key: refused[key]
        for key in again & refused.keys()
        if now < refused[key].found_at + AGAIN_AFTER
    }
    return {**known, **later}


def asked_soon_at(refused: Refused, now: datetime) -> datetime | None:
    """When what ends or takes access is asked again, the first of it that is still to come."""
    soon = ((key, one) for key, one in refused.items() if _is_soon(key, one))
    return min((at for key, one in soon if (at := _again_at(key, one)) > now), default=None)


def _is_soon(key: str, one: Unmanageable) -> bool:
    return one.sqlstate == NO_EFFECT or key.startswith((_END, _TAKE))


def _again_at(key: str, one: Unmanageable) -> datetime:
    refused_for = one.found_at - (one.since or one.found_at)
    if one.sqlstate == NO_EFFECT and key.startswith(_TAKE):
        return one.found_at + NO_EFFECT_AFTER
    if one.sqlstate == NO_EFFECT:
        return one.found_at + min(max(refused_for, NO_EFFECT_AFTER), NO_EFFECT_AT_LATEST_AFTER)
    if key.startswith(_END):
        return one.found_at + ENDS_AGAIN_AFTER
    if not key.startswith(_TAKE) or one.sqlstate not in NEEDS_A_PERSON:
        return one.found_at + AGAIN_AFTER
    return one.found_at + min(max(refused_for, TAKES_AGAIN_AFTER), TAKES_AGAIN_AT_LATEST_AFTER)


def refusals(results: Iterable[ChangeResult], now: datetime, before: Refused = NOTHING) -> Refused:
    """What these results say is not to be asked again; `before` is what is remembered already."""
    return {
        key: Unmanageable(
            key,
            result.sqlstate,
            result.message,
            now,
            since(before.get(key), now),
            is_helped=result.is_helped,
        )
        for result in results
        if not result.done and is_permanent(result)
        for part in result.remaining
        for key in keys_of(part)
    }


def since(before: Unmanageable | None, now: datetime) -> datetime:
    """When what is refused now was first refused, as far as that is remembered."""
    return now if before is None else before.since or before.found_at


def without_refused(
    plan: Plan, refused: Refused, sessions: Collection[str] = frozenset()
) -> tuple[Plan, tuple[Refusal, ...]]:
    """The plan less what was refused for good, and that; privileges are compared by the object.

    What is about a role that could not be made, or got no other name, waits with that.

    The end of a role whose DROP is refused is over: its sessions are not ended again and again, nor
    are those of one that keeps LOGIN, as the server does not let the admin disable it. Nor
    are those of who keeps what the server does not take, but for `sessions` that are to end still.
    """
    if not refused:
        return plan, ()
    kept: list[Change] = []
    left_out: list[Refusal] = []
    for change in plan.changes:
        for part, known in _parts(change, refused):
            if known is None:
                kept.append(part)
            else:
                left_out.append(Refusal(part, known.sqlstate, known.message, known.is_helped))
    kept, waiting = _without_names(kept, left_out)
    left_out += waiting
    stuck = {one.change.role for one in left_out if isinstance(one.change, DropRole | DisableRole)}
    stuck -= {one.role for one in kept if isinstance(one, AlterRole)}
    keeping = {role for one in left_out for role in taken_from(one.change)}
    keeping -= {
        role for one in kept if not isinstance(one, EndSessions) for role in taken_from(one)
    }
    keeping -= set(sessions)
    final = tuple(
        one
        for one in kept
        if not (isinstance(one, EndSessions | HandOnOwned) and one.role in stuck)
        and not (_ends_what_was_taken(one) and one.about[0] in keeping)
    )
    return replace(plan, changes=final), tuple(left_out)


def _without_names(
    changes: Iterable[Change], left_out: Iterable[Refusal]
) -> tuple[list[Change], list[Refusal]]:
    """Less what is about roles that the server does not let us make or rename, and that."""
    by_change = {id(one.change): one for one in left_out}
    missing = names_refused(one.change for one in by_change.values())
    kept: list[Change] = []
    waiting: list[Refusal] = []
    for change in changes:
        for part, first in apart(change, missing) if missing else ((change, None),):
            if first is None:
                kept.append(part)
            else:
                waiting.append(replace(by_change[id(first)], change=part))
    return kept, waiting


def _ends_what_was_taken(change: Change) -> bool:
    """Sessions that end because one in SET ROLE would keep what was taken from the role."""
    return isinstance(change, EndSessions) and change.effect is Effect.REMOVE


def _parts(change: Change, refused: Refused) -> Iterator[tuple[Change, Unmanageable | None]]:
    """The change in as few parts as possible, each wholly refused before or not at all."""
    if isinstance(change, GatherObjects):
        yield from _parts_of_objects(change, refused)
        return
    if not isinstance(change, PrivilegeChange):
        yield change, refused.get(keys_of(change)[0])
        return
    known = {edge: one for edge, key in _keys(change).items() if (one := refused.get(key))}
    refused_before, free = split(change, known.__contains__)
    for part in free:
        yield part, None
    for part in refused_before:
        yield part, known[next(edges(part))]


def _parts_of_objects(
    change: GatherObjects, refused: Refused
) -> Iterator[tuple[Change, Unmanageable | None]]:
    """The objects that are refused, and the others."""
    keys = _keys_of_objects(change)
    known = tuple(one for one in change.objects if keys[one.oid] in refused)
    free = tuple(one for one in change.objects if keys[one.oid] not in refused)
    if free:
        yield replace(change, objects=free), None
    if known:
        yield replace(change, objects=known), refused[keys[known[0].oid]]
