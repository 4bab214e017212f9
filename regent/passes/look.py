"""Looking: read the server, resolve what was accepted, plan what differs, ask the brake.

Writes nothing, so a plan and a pass are one path (and `postgregent plan` needs no home database).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from regent.changes import Change, Effect, Plan
from regent.desired import Desired
from regent.gate.approval import Serving, is_first, served_by
from regent.gate.baseline import baselines, given_by, without_authority_over
from regent.gate.brake import Comparison, Verdict, judge
from regent.gate.brake_memory import adoptions_to_judge, is_judged
from regent.gate.identities import Identities
from regent.gate.losses import losses
from regent.gate.pause_before import befores, by_hand
from regent.gate.pauses import Held, Paused, Standing, as_if_connected, held_by, with_pauses
from regent.gate.put_off import is_put_off
from regent.gate.refusals import Refusal, Refused, known_for, without_refused
from regent.gate.restraint import restraint
from regent.gate.takeover import Obeyed, RefusedPush, Takeover
from regent.inspect.assemble import LastReading
from regent.inspect.code_left import CodeLeft, ending_pairs, read_code_left
from regent.inspect.definers import are_asked, read_definers
from regent.inspect.holdings import Asked, read_holdings
from regent.inspect.reading import Parameters, read_databases, read_parameters, read_server
from regent.kinds import Address
from regent.observed import Observed, ObservedServer
from regent.passes.forms import Forms
from regent.plan import plan
from regent.plan.connecting import in_need
from regent.plan.handing_over import handed_by, not_yet, renamed_by
from regent.plan.matching import Compilations
from regent.plan.newcomers import Known, without_newcomers
from regent.plan.owners import Stays, staying
from regent.plan.renames import server_after
from regent.remembered import NO_CENSUS, AcceptedState, BrakeMemory, Census, Mark, Pause
from regent.resolve import Resolution, Situation, resolve
from regent.server.connections import Connections
from shared.keys import ResourceKey
from shared.state import Trouble, postgres_name_of

COMPILATIONS_PER_DATABASE = 4
"""Full and targeted passes, and the baseline that the brake compares with."""


@dataclass(slots=True)
class Memory:
    """What carries over from one pass to the next.

    `accepted`, `brake`, `refused` and `system_identifier` are in the home database too. `unread`
    are the databases that the last full pass could not read. `looked` is that of a full pass that
    left nothing open, for targeted passes to plan with. `refused_push` waits for a person.
    `rights` are the admin's own, as the last pass that wrote found them. `locked_ends` are the
    roles whose LOGIN the last pass could not take, as somebody held them. `overtaken` are objects,
    by database, that others changed while it worked: a targeted pass must look at them. `census`
    and `pauses` are read for each look.
    """

    accepted: AcceptedState | None = None
    brake: BrakeMemory = field(default_factory=BrakeMemory)
    refused: Refused = field(default_factory=dict)
    system_identifier: str = ""
    unread: frozenset[str] = frozenset()
    looked: Looked | None = None
    refused_push: RefusedPush | None = None
    rights: frozenset[str] | None = None
    locked_ends: frozenset[str] = frozenset()
    overtaken: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    census: Census = NO_CENSUS
    pauses: tuple[Pause, ...] = ()

    def as_of_now(self) -> Memory:
        """What a look obeys from its start to its end, whoever accepts or releases meanwhile.

        To be taken before the marks are read: these may be another server's by then.
        """
        return replace(self)


@dataclass(frozen=True, slots=True)
class Looked:
    """One look: what shall hold, what is there, what differs, and how much of that may be done.

    `wanted` is what differs less what was `refused` for good. `unread` are the databases that could
    not be read, and why. With a `restraint` nothing may be written. `awaiting` are the generations
    of what a refused push has, `holders` the resources that the marks name, by role. `code_left` is
    what those whose membership ends may use all the same. `paused` are roles whose correction
    somebody paused, with what waits for the end of that.
    """

    edition: int
    resolution: Resolution
    observed: Observed
    wanted: Plan
    verdict: Verdict
    refused: tuple[Refusal, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)
    restraint: Trouble | None = None
    takeover: Takeover | None = None
    awaiting: Mapping[str, int] = field(default_factory=dict)
    holders: Mapping[str, ResourceKey] = field(default_factory=dict)
    code_left: tuple[CodeLeft, ...] = ()
    census: Census = NO_CENSUS
    paused: tuple[Paused, ...] = ()
    beside: Plan | None = None
    """What differs of another state on the same catalog, where that was asked for."""

    @property
    def held(self) -> tuple[Change, ...]:
        """What waits for the end of a pause."""
        return tuple(change for one in self.paused for change in one.held)

    @property
    def seen(self) -> Verdict:
        """The verdict with what a pause holds: it differs, whoever may correct it."""
        held, plan = self.held, self.verdict.plan
        if not held:
            return self.verdict
        return replace(self.verdict, plan=replace(plan, changes=(*plan.changes, *held)))

    @property
    def not_done(self) -> tuple[Change, ...]:
        """What differs, whether it may be done, waits, or was refused for good."""
        verdict = self.verdict
        changes = (*verdict.plan.changes, *verdict.waiting, *verdict.withheld_changes)
        return (*changes, *(one.change for one in self.refused), *self.held)

    @property
    def is_final(self) -> bool:
        """Nothing that this state may take away is still to be seen."""
        is_all_seen = not self.unread and not self.resolution.is_waiting
        return is_all_seen and not any(one.is_strange and one.held for one in self.paused)


class Looker:
    """Looks at one server. `shared_through` is a database to read the shared catalogs in."""

    def __init__(
        self,
        *,
        regent: str,
        serving: Serving,
        connections: Connections,
        shared_through: str,
        origin: str = "",
    ) -> None:
        """`origin` is the source that may be obeyed; empty is any."""
        self._regent = regent
        self._origin = origin
        self._serving = serving
        self._connections = connections
        self._shared_through = shared_through
        self._parameters: Parameters | None = None
        self._readings = {database: LastReading() for database in serving.possible}
        self.compilations = Compilations(COMPILATIONS_PER_DATABASE * max(1, len(serving.possible)))

    async def restraint(self, accepted: AcceptedState, memory: Memory) -> Trouble | None:
        """Why nothing may be written now, without looking at anything else."""
        obeyed = self._obeyed(memory)
        server = await read_server(self._connections, self._shared_through)
        takeover = obeyed.takeover(accepted, server.system_identifier, None)
        is_unapproved = is_first(memory.brake)
        return restraint(accepted.state.regent.spec, server, takeover, is_first=is_unapproved)

    def _obeyed(self, memory: Memory) -> Obeyed:
        return Obeyed(self._regent, self._origin, memory.system_identifier, memory.refused_push)

    async def look(
        self,
        accepted: AcceptedState,
        marks: tuple[Mark, ...],
        memory: Memory,
        now: datetime,
        *,
        beside: AcceptedState | None = None,
    ) -> Looked:
        """Read everything, and say what a pass would do. `memory` is Memory.as_of_now().

        A served database that cannot be read does not keep the others from being looked at. Of the
        state `beside`, which is in force instead, it is said what differs at the same moment.
        """
        if self._parameters is None:
            self._parameters = await read_parameters(self._connections, self._shared_through)
        server = await read_server(self._connections, self._shared_through)
        marks = marks_on(server, marks, memory.system_identifier)
        asked = asked_about(accepted, marks, self._regent)
        served = served_by(memory.brake, accepted, self._serving)
        holdings = await read_holdings(self._connections, self._shared_through, served, asked)
        server = replace(server, holdings=holdings)
        if are_asked(accepted.state):
            definers = await read_definers(self._connections, served)
            server = replace(server, definers=definers)
        situation = Situation(
            accepted=accepted,
            marks=marks,
            server=server,
            regent=self._regent,
            served=served,
            now=now,
            ordinary_parameters=self._parameters.ordinary,
            known_parameters=self._parameters.known,
            libraries=self._parameters.libraries,
            locked_ends=memory.locked_ends,
            census=memory.census,
        )
        resolution = resolve(situation)
        observed, unread = await read_databases(
            self._connections, served, resolution.desired, server, last=self._readings
        )
        seen = compared(situation, resolution, observed, unread, memory, self.compilations)
        takeover = self._obeyed(memory).takeover(
            accepted, server.system_identifier, resolution.taken_back
        )
        ends = ending_pairs(seen.wanted.changes, resolution.desired, memory.brake.left)
        code = await read_code_left(self._connections, served, ends)
        return replace(
            seen,
            code_left=code,
            restraint=restraint(
                accepted.state.regent.spec, server, takeover, is_first=is_first(memory.brake)
            ),
            takeover=takeover,
            awaiting=memory.refused_push.resources if memory.refused_push else {},
            beside=None
            if beside is None
            else differing(situation, beside, observed, memory, self.compilations),
        )


def differing(
    situation: Situation,
    accepted: AcceptedState,
    observed: Observed,
    memory: Memory,
    compilations: Compilations,
) -> Plan:
    """What a state would change of the catalog as it was read for another one. Pure."""
    databases = accepted.state.regent.spec.databases
    served = tuple(database for database in situation.served if database in databases)
    other = replace(situation, accepted=accepted, served=served)
    return plan(
        resolve(other).desired,
        observed,
        verifier_digests=_digests_of(situation.marks),
        holders=situation.holders(),
        unfinished=memory.brake.unfinished,
        sessions=memory.brake.sessions,
        compilations=compilations,
    )


def _digests_of(marks: tuple[Mark, ...]) -> dict[str, str]:
    return {mark.role: mark.verifier_digest for mark in marks if mark.verifier_digest}


def compared(
    situation: Situation,
    resolution: Resolution,
    observed: Observed,
    unread: Mapping[str, str],
    memory: Memory,
    compilations: Compilations,
) -> Looked:
    """What differs between what shall hold and what was read, and what the brake says. Pure."""
    brake, desired = memory.brake, resolution.desired
    stay: frozenset[Stays] = frozenset()
    need: dict[str, frozenset[str]] = {}
    pauses = _paused(situation, resolution, memory)
    at_hand = replace(observed, server=as_if_connected(observed.server, pauses, desired))
    forms = Forms(situation, resolution, at_hand, compilations)
    given = given_by(brake, situation.accepted, situation.now) if pauses.names else ()
    earlier = befores(given, observed, forms)
    verifiers = _digests_of(situation.marks)
    planning = partial(
        plan,
        observed=at_hand,
        verifier_digests=verifiers,
        holders=situation.holders(),
        unfinished=brake.unfinished,
        sessions=brake.sessions,
        compilations=compilations,
    )
    while True:
        planned = partial(planning, staying=stay, in_need=need)
        whole, paused = with_pauses(
            pauses,
            desired,
            observed.server,
            planned,
            partial(by_hand, observed=observed, earlier=earlier, owed=brake.owed),
            verifiers,
        )
        known = known_for(whole, memory.refused, situation.now)
        wanted, refused = without_refused(whole, known, brake.sessions)
        verdict = _judge(situation, desired, observed, wanted, brake, forms)
        # Who does not get it yet has no owner's rights, and whoever keeps it has them.
        not_done = (*(one.change for one in refused), *verdict.withheld_changes)
        # Nor is who connects by PUBLIC shut out before he has what is declared instead.
        shut_out = in_need(desired, observed, verdict.plan.changes)
        if staying(not_done) <= stay and not shut_out:
            break
        stay |= staying(not_done)
        need |= shut_out
    return Looked(
        edition=situation.accepted.edition,
        resolution=resolution,
        observed=observed,
        wanted=wanted,
        verdict=_in_order(verdict, brake, desired, observed.server, refused, paused, unread),
        refused=refused,
        unread=unread,
        holders=situation.holders(),
        census=situation.census,
        paused=paused,
    )


def _pauses_here(situation: Situation, memory: Memory) -> tuple[Pause, ...]:
    """Another server's oids name other roles."""
    server, known = situation.server, memory.system_identifier
    is_ours = not known or server.system_identifier in ("", known)
    return memory.pauses if is_ours else ()


def _paused(situation: Situation, resolution: Resolution, memory: Memory) -> Held:
    """Who is paused now, and what a pause does not hold."""
    pauses = _pauses_here(situation, memory)
    if not pauses:
        return Held()
    standing = Standing(
        resolution.desired,
        situation.accepted,
        situation.holders(),
        frozenset(resolution.found.not_allowed),
    )
    return held_by(pauses, situation.server, standing)


def asked_about(accepted: AcceptedState, marks: tuple[Mark, ...], regent: str) -> Asked:
    """The roles whose holdings must be known: those that are declared, and those of our marks."""
    names = (
        postgres_name_of(key, entry)
        for entries in (accepted.state.resources, accepted.before)
        for key, entry in entries.items()
        if entry.kind != "Permission"
    )
    return Asked(
        names=frozenset(names),
        managed=frozenset(m.role_oid for m in marks if m.regent == regent and m.role_oid),
        ignore_schemas=tuple(accepted.state.regent.spec.ignore_schemas or ()),
    )


def marks_on(
    server: ObservedServer, marks: tuple[Mark, ...], known_identifier: str
) -> tuple[Mark, ...]:
    """The marks as far as they mean something there: another server's oids name other roles."""
    if not known_identifier or server.system_identifier in ("", known_identifier):
        return marks
    return tuple(replace(mark, role_oid=0) for mark in marks)


def _judge(
    situation: Situation,
    desired: Desired,
    observed: Observed,
    wanted: Plan,
    memory: BrakeMemory,
    forms: Forms,
) -> Verdict:
    """Ask the brake, unless nothing is lost or these losses were let through before."""
    accepted = situation.accepted
    adopted = adoptions_to_judge(memory, accepted, desired.adopted)
    is_all_judged = is_judged(memory, accepted) and not is_put_off(memory, accepted)
    if is_all_judged and not adopted and not memory.given:
        return Verdict(wanted)
    if not losses(wanted):
        return Verdict(wanted)
    others = adopted | memory.renamed | renamed_by(wanted.changes)
    handed = memory.handed | handed_by(wanted.changes, situation.holders())

    def with_plan(state: AcceptedState) -> tuple[Plan, Desired]:
        before = forms.desired(state)
        out = others - given_up(handed, before, desired)
        out |= memory.beyond - ended_in(before, desired)
        before = without_authority_over(before, out)
        return forms.plan(before), before

    baseline, *given = map(with_plan, baselines(memory, accepted, situation.now))
    compared = Comparison(
        wanted,
        desired,
        *baseline,
        server_after(wanted.changes, observed.server),
        adopted,
        handed,
        others,
        tuple(given),
        Identities.of(wanted.changes, observed),
    )
    return judge(compared, memory, accepted, situation.now)


def given_up(handed: Collection[str], before: Desired, desired: Desired) -> frozenset[str]:
    """Roles that go on with who had them already: of two resources one is deleted, explicitly."""
    return frozenset(
        name
        for name in handed
        if name in before.roles
        and name in desired.roles
        and before.roles[name].declared_by == desired.roles[name].declared_by
    )


def ended_in(before: Desired, desired: Desired) -> frozenset[str]:
    """Roles that end explicitly, and Users that may not log in: it is in the baseline as well."""
    ended = frozenset(one.name for one in before.endings)
    return ended | frozenset(
        name
        for name, role in before.roles.items()
        if not role.login
        and name in desired.roles
        and not desired.roles[name].login
        and any(key.kind == "User" for key in role.declared_by)
    )


def _in_order(
    verdict: Verdict,
    memory: BrakeMemory,
    desired: Desired,
    server: ObservedServer,
    refused: tuple[Refusal, ...],
    paused: tuple[Paused, ...],
    unread: Mapping[str, str],
) -> Verdict:
    """Less what hands on an adopted role before all is gone that it has beyond its declaration.

    And less who would come to what a role has for now, be it by a pause.
    """
    not_done = (*verdict.withheld_changes, *(one.change for one in refused))
    server = server_after(verdict.plan.changes, server)
    split = not_yet(
        verdict.plan,
        desired.adopted | memory.unfinished,
        not_done,
        server,
        is_all_read=not unread,
    )
    held = (change for one in paused for change in one.held)
    stays = (*split.waiting, *(one for one in held if one.effect >= Effect.CLOSE))
    rest = without_newcomers(split.plan, stays, Known(), server)
    return replace(verdict, plan=rest.plan, waiting=(*split.waiting, *rest.waiting))
