"""Desired and observed in, a plan out: pure, ordered, and empty when the two are one.

Nothing here awaits, reads a clock or knows a driver. The cost follows the distinct ACLs of a
server, not its objects or its grantees (docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from regent.changes import Change, Plan
from regent.desired import Desired
from regent.observed import Observed
from regent.plan.adoptions import ended_sessions, plan_sessions
from regent.plan.authority import authority_of
from regent.plan.bounded import without_gains
from regent.plan.connecting import NOBODY, InNeed
from regent.plan.defaults import plan_defaults
from regent.plan.endings import plan_endings
from regent.plan.matching import Compilations
from regent.plan.memberships import plan_memberships
from regent.plan.order import in_order
from regent.plan.owners import Owners, Stays, ownership
from regent.plan.passwords import verifier_digest
from regent.plan.persons import adopted_strangers, divided, persons_of
from regent.plan.privileges import kept_as_gathered, plan_database, plan_local
from regent.plan.renames import new_names, plan_renames, with_new_names
from regent.plan.roles import plan_roles
from regent.plan.shared import plan_shared
from regent.plan.turns import turns
from regent.plan.unmanaged import plan_unmanaged
from shared.keys import ResourceKey

__all__ = ["plan", "plan_objects", "verifier_digest"]

NO_DIGESTS: Mapping[str, str] = {}
NO_HOLDERS: Mapping[str, ResourceKey] = {}


def plan(
    desired: Desired,
    observed: Observed,
    *,
    verifier_digests: Mapping[str, str] = NO_DIGESTS,
    holders: Mapping[str, ResourceKey] = NO_HOLDERS,
    unfinished: Collection[str] = (),
    sessions: Collection[str] = (),
    staying: Collection[Stays] = (),
    in_need: InNeed = NOBODY,
    compilations: Compilations | None = None,
) -> Plan:
    """Everything one pass would do.

    `verifier_digests` and `holders` are what the marks remember, by role: the sha256 of the
    verifier that was set last (needed where pg_authid cannot be read), and the resource that the
    mark names (another one than declared means a hand-over). `unfinished` are marked roles whose
    adoption is not complete, `sessions` roles whose sessions must still end. What is `staying`
    keeps its owner for now, though the change is planned: privileges are reckoned with that one.
    Who is `in_need` keeps PUBLIC's CONNECT there.
    A served database that was not read gets no local changes. `compilations` are what the caller
    keeps from one plan to the next.
    """
    compilations = Compilations() if compilations is None else compilations
    persons = persons_of(desired, observed.server, holders, verifier_digests)
    renames = plan_renames(desired, observed.server, persons.former)
    observed = with_new_names(observed, new_names(renames))
    server = observed.server
    authority = authority_of(desired, server)
    changes: list[Change] = [*renames]
    changes += plan_roles(
        desired,
        server,
        authority,
        verifier_digests=verifier_digests,
        holders=holders,
        persons=persons,
    )
    changes += plan_memberships(desired, server, authority)
    matches = {g.permission: 0 for grants in desired.grants.values() for g in grants}
    owners = Owners(ownership(desired, observed).changes)
    part = partial(plan_database, desired, observed, authority, compilations)
    parts = {
        database: part(
            database,
            owners.of(database),
            in_need.get(database, frozenset()),
            owners.gathering(database),
        )
        for database in sorted(desired.grants)
    }
    kept_on = {
        database: kept_as_gathered(
            desired, observed, authority, compilations, database, owners.gathering(database)
        )
        for database in parts
    }
    changes += owners.keeping({database: one.kept for database, one in parts.items()}, kept_on)
    for database in {database for _, database, _ in staying} & parts.keys():
        parts[database] = part(
            database,
            owners.of(database, staying),
            in_need.get(database, frozenset()),
            owners.gathering(database, staying),
        )
    for found in (*parts.values(), plan_shared(desired, server, authority, compilations)):
        changes += found.changes
        for permission, count in found.matches.items():
            matches[permission] += count
    for reading in observed.databases.values():
        changes += plan_defaults(desired, reading, authority)
    changes += plan_endings(desired, server, authority)
    changes += plan_unmanaged(desired, server)
    changes = list(without_gains(changes, desired.bounded, server))
    adopted = authority.declared.intersection(desired.adopted.union(unfinished))
    changes += plan_sessions(desired, changes, adopted, sessions)
    changes += ended_sessions(desired, changes, authority.declared.intersection(sessions) - adopted)
    found_in, ends = adopted_strangers(desired, server, changes, adopted, verifier_digests)
    strangers = authority.declared.intersection(persons.strangers | found_in)
    changes = [*divided(changes, strangers), *ends]
    return Plan(
        in_order(changes, turns(changes, server, strangers)),
        matches,
        strangers,
        tuple(stays for one in parts.values() for stays in one.kept_open),
    )


def plan_objects(
    desired: Desired,
    observed: Observed,
    database: str,
    compilations: Compilations | None = None,
) -> Plan:
    """Only privileges on the objects that were read, for the targeted pass.

    What a full reading would be needed for is left alone: USAGE that an object outside of this
    reading may imply is neither given nor taken, and matches are not counted.
    """
    authority = authority_of(desired, observed.server)
    compilations = Compilations() if compilations is None else compilations
    found = plan_local(desired, observed, database, authority, compilations)
    return Plan(in_order(tuple(without_gains(found, desired.bounded, observed.server))))
