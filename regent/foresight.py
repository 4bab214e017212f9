"""Who has what on a server now, and who would have what by other states: read once for all of them.

Nothing is written, and nobody is obeyed: whosever state is in force there, it is said what each of
these would make of the server (ADR 60). A password gives nobody access: a User whose Secret cannot
be read here is looked at as if it could.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from regent.accept.merge import accept
from regent.access.foreseen import foreseen
from regent.access.places import Places, places_of
from regent.changes import Plan, RevokePrivileges
from regent.desired import Desired
from regent.foundation import memory_of
from regent.gate.approval import last_in_force
from regent.home.store import Home
from regent.inspect import Interest
from regent.inspect.definers import are_asked, read_definers
from regent.inspect.holdings import read_holdings
from regent.inspect.reading import (
    Parameters,
    read_databases,
    read_parameters,
    read_server,
    read_with,
)
from regent.kinds import KINDS
from regent.observed import Observed, ObservedServer
from regent.passes.look import Memory, asked_about, marks_on
from regent.plan import plan
from regent.reach import SYSTEM_PREFIX
from regent.remembered import Mark
from regent.resolve import Resolution, Situation, resolve
from regent.server.connections import Connections
from regent.server.doors import first_open
from regent.settings import RegentSettings, ServerSettings, connector_of
from shared.outcomes import Outcome
from shared.state import DesiredState, PasswordEntry, UserEntry, Verifier, etag

_ANY = Verifier(f"SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==${'A' * 43}=:{'B' * 43}=")
"""In the place of one that cannot be read here. It is sent nowhere."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What one state would make of the server."""

    places: Places
    desired: Desired
    outcomes: Mapping[str, Outcome]
    """Before anything was applied: which resources would not be in force, and why."""
    refused: int
    """How many privileges cannot be taken, as nobody may."""


@dataclass(frozen=True, slots=True)
class Foresight:
    """One look at a server. `unread` are the databases that could not be read, and why."""

    now: Places
    states: tuple[Foreseen, ...]
    unread: Mapping[str, str]
    illegible: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Standpoint:
    """What all states are looked at from."""

    settings: RegentSettings
    connections: Connections
    through: str
    memory: Memory
    marks: tuple[Mark, ...]
    parameters: Parameters
    server: ObservedServer
    now: datetime


async def foresee(settings: RegentSettings, states: Sequence[DesiredState]) -> Foresight:
    """What is there, and what would be there by each of these states."""
    connector = connector_of(settings.server)
    remembered = await Home.find(connector, database=settings.home_database, regent=settings.regent)
    memory = memory_of(remembered)
    connections = Connections(connector)
    try:
        through = await first_open(connections, settings.databases, home=settings.home_database)
        parameters = await read_parameters(connections, through)
        server = await read_server(connections, through)
        known = remembered.marks if remembered else ()
        stand = _Standpoint(
            settings,
            connections,
            through,
            memory,
            marks_on(server, known, memory.system_identifier),
            parameters,
            server,
            datetime.now(UTC),
        )
        planned = [await _planned(stand, state) for state in states]
        observed, unread = await _everything(connections, server)
    finally:
        await connections.close()
    return Foresight(
        places_of(observed),
        tuple(_foreseen(observed, resolution, what) for resolution, what in planned),
        unread,
        observed.illegible,
    )


async def look_at(server: ServerSettings, database: str) -> Foresight:
    """What is there. `database` is one that can be entered."""
    connections = Connections(connector_of(server))
    try:
        observed, unread = await _everything(connections, await read_server(connections, database))
    finally:
        await connections.close()
    return Foresight(places_of(observed), (), unread, observed.illegible)


async def _planned(stand: _Standpoint, state: DesiredState) -> tuple[Resolution, Plan]:
    state = _as_if_readable(state)
    before, memory = stand.memory.accepted, stand.memory
    instead = last_in_force(memory.brake, before)
    accepted = accept(before, state, etag(state), stand.now, instead=instead)
    served = tuple(accepted.state.regent.spec.databases)
    asked = asked_about(accepted, stand.marks, stand.settings.regent)
    holdings = await read_holdings(stand.connections, stand.through, served, asked)
    server = replace(stand.server, holdings=holdings)
    if are_asked(accepted.state):
        server = replace(server, definers=await read_definers(stand.connections, served))
    situation = Situation(
        accepted=accepted,
        marks=stand.marks,
        server=server,
        regent=stand.settings.regent,
        served=served,
        now=stand.now,
        ordinary_parameters=stand.parameters.ordinary,
        known_parameters=stand.parameters.known,
        libraries=stand.parameters.libraries,
        locked_ends=memory.locked_ends,
        census=memory.census,
    )
    resolution = resolve(situation)
    observed, _ = await read_databases(stand.connections, served, resolution.desired, server)
    digests = {one.role: one.verifier_digest for one in stand.marks if one.verifier_digest}
    return resolution, plan(
        resolution.desired,
        observed,
        verifier_digests=digests,
        holders=situation.holders(),
        unfinished=memory.brake.unfinished,
        sessions=memory.brake.sessions,
    )


def _foreseen(observed: Observed, resolution: Resolution, what: Plan) -> Foreseen:
    refused = sum(isinstance(one, RevokePrivileges) and bool(one.refusal) for one in what.changes)
    places = foreseen(observed, what.changes)
    return Foreseen(places, resolution.desired, resolution.outcomes, refused)


async def _everything(
    connections: Connections, server: ObservedServer
) -> tuple[Observed, Mapping[str, str]]:
    """All databases, with all kinds of objects, and what anybody was granted in system schemas."""
    names = frozenset(
        name
        for name, role in server.roles.items()
        if not role.attributes.superuser and not name.startswith(SYSTEM_PREFIX)
    )
    interest = Interest(
        roles=names,
        with_sequences=False,
        kinds=frozenset(KINDS),
        with_public=True,
        with_system_schemas=True,
    )
    databases = tuple(sorted(server.database_names))
    return await read_with(connections, databases, interest, server)


def _as_if_readable(state: DesiredState) -> DesiredState:
    any_password = PasswordEntry(verifier=_ANY)
    resources = {
        key: entry.model_copy(update={"password": any_password})
        if isinstance(entry, UserEntry) and entry.password and entry.password.trouble
        else entry
        for key, entry in state.resources.items()
    }
    return state.model_copy(update={"resources": resources})
