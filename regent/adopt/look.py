"""What adopting some of a whole would do, read from the server. Writes nothing (ADR 64).

Who would not be in force is left out, with whoever needs them, until the rest would be: what nobody
has seen the losses of never comes into force later by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from regent.access.difference import OfPerson, Side, difference
from regent.access.places import Places
from regent.adopt.needs import Declarations
from regent.adopt.staged import Staged, Staging
from regent.foresight import Foresight, foresee
from regent.foundation import memory_of
from regent.gate.adopting import digest_of_adoption
from regent.gate.approval import in_force, is_first, waits
from regent.gate.losses import PUBLIC, losses
from regent.home.store import Home
from regent.inspect.reading import read_server
from regent.observed import ObservedMembership
from regent.one_shot import OnceReport, plan_once
from regent.passes.look import Memory
from regent.remembered import AcceptedState
from regent.server.connections import Connections
from regent.server.doors import first_open
from regent.settings import RegentSettings, connector_of
from shared.errors import PostgRegentError
from shared.outcomes import Outcome
from shared.state import DesiredState, Entry, Trouble

APPLYING = "Applying"
"""The reason of what nothing but applying it is missing of."""
FOLLOWS = frozenset({"RoleNotFound", "PermissionNotFound", "RoleNotReady"})
"""Reasons of who waits for another one, which says why."""


class SomethingWaitsError(PostgRegentError):
    """Something else waits for approval there: it would be taken back, or approved with this."""


class OtherSourceError(PostgRegentError):
    """What is in force came from somewhere else."""


class NothingToWriteError(PostgRegentError):
    """Nothing may be written to this server now."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Some resources of a whole, by their keys."""

    declared: DesiredState
    chosen: frozenset[str]
    with_regent: bool = False
    """Whether the whole's Regent comes into force too, though there is another one."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What would come of it. Without `planned` nothing of what was chosen can be adopted.

    `refused` are the resources that would not be in force, and why.
    """

    settings: RegentSettings
    staged: Staged
    refused: Mapping[str, Outcome]
    planned: OnceReport | None = None
    persons: tuple[OfPerson, ...] = ()
    no_login: frozenset[str] = frozenset()
    """Those of the persons that are none: roles without LOGIN that lose something."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """Databases whose objects were not compared: this Regent does not serve them."""
    beyond: int = 0
    """How many privileges cannot be taken, as nobody may."""
    digest: str = ""


async def look(settings: RegentSettings, asked: Asked) -> Shown:
    """Raises SomethingWaitsError, OtherSourceError and NothingToWriteError.

    And TooManyLeftAloneError, and what reading raises.
    """
    connector = connector_of(settings.server)
    remembered = await Home.find(connector, database=settings.home_database, regent=settings.regent)
    memory = memory_of(remembered)
    base = _in_force(memory)
    if base is not None and base.state.origin != settings.origin:
        raise OtherSourceError(
            "What is in force there came from a cluster, whose controller would push it anew.",
            way_out="Adopt there: apply the manifests of these roles to that cluster.",
        )
    server = await _memberships(settings)
    state = base.state if base else None
    staging = Staging(state, asked.declared, server, asked.with_regent)
    refused: dict[str, Outcome] = {}
    while True:
        staged = staging.with_chosen(asked.chosen, refused)
        served = staged.state.regent.spec.databases
        settings = settings.model_copy(update={"databases": served})
        if not staged.choice.all:
            return Shown(settings, staged, refused)
        foresight = await foresee(settings, [staged.state])
        if not (found := _refused(staged, foresight)):
            break
        refused |= found
    if waits(memory.brake) and memory.accepted is not None:
        _require_same(memory.accepted, base, staged.state)
    planned = await plan_once(settings, staged.state)
    _require_writable(planned, {n: y for n, y in foresight.unread.items() if n in served})
    return _shown(settings, staged, refused, foresight, planned)


def _in_force(memory: Memory) -> AcceptedState | None:
    if memory.accepted is None or is_first(memory.brake):
        return None
    return in_force(memory.brake, memory.accepted)


async def _memberships(settings: RegentSettings) -> tuple[ObservedMembership, ...]:
    connections = Connections(connector_of(settings.server))
    try:
        through = await first_open(connections, settings.databases, home=settings.home_database)
        server = await read_server(connections, through)
    finally:
        await connections.close()
    return tuple(server.memberships)


def _refused(staged: Staged, foresight: Foresight) -> dict[str, Outcome]:
    """Of what would come into force, whatever would not be so; who only waits for them is not."""
    (foreseen,) = foresight.states
    found: dict[str, Outcome] = {}
    for key in sorted(staged.choice.all):
        entry, outcome = staged.state.resources[key], foreseen.outcomes[key]
        if not outcome.is_ready and outcome.reason != APPLYING:
            found[key] = outcome
        elif trouble := _of_password(entry):
            found[key] = Outcome(
                resource=key, state="Stalled", reason=trouble.reason, message=trouble.message
            )
    causes = {key: one for key, one in found.items() if one.reason not in FOLLOWS}
    return causes or found


def _of_password(entry: Entry) -> Trouble | None:
    return entry.password.trouble if entry.kind == "User" and entry.password else None


def _require_same(accepted: AcceptedState, base: AcceptedState | None, state: DesiredState) -> None:
    """What waits for approval is what this would put in force: then it is approved by it."""
    waiting, known = accepted.state, base.state.resources if base else {}
    says_more = any(
        key not in state.resources or state.resources[key].spec != one.spec
        for key, one in waiting.resources.items()
    )
    ends = known.keys() - waiting.resources.keys()
    if says_more or ends or waiting.regent.spec != state.regent.spec:
        raise SomethingWaitsError(
            way_out="Approve it, or push again what is in force; `postgregent status` shows it."
        )


def _require_writable(planned: OnceReport, unread: Mapping[str, str]) -> None:
    """`unread` are served databases of which it is not known who has what."""
    if missing := {**unread, **planned.unread}:
        said = "; ".join(f"{name}: {why}" for name, why in missing.items())
        raise NothingToWriteError(
            f"What would be lost cannot be known: {said}.",
            way_out="Let the admin connect there, and call again.",
        )
    if planned.cannot:
        raise NothingToWriteError(planned.cannot)
    if planned.restraint is not None:
        raise NothingToWriteError(planned.restraint.message)


def _shown(
    settings: RegentSettings,
    staged: Staged,
    refused: Mapping[str, Outcome],
    foresight: Foresight,
    planned: OnceReport,
) -> Shown:
    (foreseen,) = foresight.states
    home = settings.home_database
    before, after = Side(_without(home, foresight.now)), Side(_without(home, foreseen.places))
    taken = losses(planned.plan)
    names = Declarations(staged.state.resources).roles_of(staged.choice.all)
    losing = frozenset(atom.role for atom in taken if atom.role != PUBLIC)
    no_login = (losing | names) - before.persons - after.persons
    persons = difference(before, after, no_login)
    lost = (
        (one.name, step.word, step.before.name, step.after.name, place)
        for one in persons
        for step in one.losses
        for place in [f"{each.database} {each.shown}" for each in step.places] or [""]
    )
    return Shown(
        settings,
        staged,
        refused,
        planned,
        persons,
        no_login,
        {name: why for name, why in foresight.unread.items() if name != home},
        foreseen.refused,
        digest_of_adoption(
            staged.state, staged.choice.all, (*lost, *(atom.words for atom in taken))
        ),
    )


def _without(home: str, places: Places) -> Places:
    """Less the home database: it is made by the first adoption, between question and answer."""
    held = {place: one for place, one in places.held.items() if place.database != home}
    databases = tuple(one for one in places.databases if one != home)
    return replace(places, held=held, databases=databases)
