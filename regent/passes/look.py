"""Looking: read the server, resolve what was accepted, plan what differs, ask the brake.

Writes nothing, so a plan and a pass are one path (and `postgregent plan` needs no home database).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from regent.changes import Change, Plan
from regent.desired import Desired
from regent.gate.baseline import baselines, without_authority_over
from regent.gate.brake import Comparison, Verdict, judge
from regent.gate.brake_memory import adoptions_to_judge, is_judged
from regent.gate.losses import losses
from regent.gate.refusals import Refusal, Refused, still_refused, without_refused
from regent.gate.restraint import restraint
from regent.gate.takeover import Obeyed, RefusedPush, Takeover
from regent.inspect.code_left import CodeLeft, ending_pairs, read_code_left
from regent.inspect.definers import are_asked, read_definers
from regent.inspect.holdings import Asked, read_holdings
from regent.inspect.reading import Parameters, read_databases, read_parameters, read_server
from regent.observed import Observed, ObservedServer
from regent.plan import plan
from regent.plan.handing_over import handed_by, not_yet, renamed_by
from regent.plan.matching import Compilations
from regent.plan.renames import server_after
from regent.remembered import NO_CENSUS, AcceptedState, BrakeMemory, Census, Mark
from regent.resolve import Resolution, Situation, resolve
from regent.server.connections import Connections
from shared.keys import ResourceKey
from shared.state import Trouble

COMPILATIONS_PER_DATABASE = 4
"""Full and targeted passes, and the baseline that the brake compares with."""


@dataclass(slots=True)
class Memory:
    """What carries over from one pass to the next.

    `accepted`, `brake`, `refused` and `system_identifier` are in the home database too. `unread`
    are the databases that the last full pass could not read. `looked` is that of a full pass that
    left nothing open, for targeted passes to plan with. `refused_push` waits for a person.
    `rights` are the admin's own, as the last pass that wrote found them. `locked_ends` are the
    roles whose LOGIN the last pass could not take, as somebody held them. `census` is read for each
    look.
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
    census: Census = NO_CENSUS

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
    what those whose membership ends may use all the same.
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

    @property
    def not_done(self) -> tuple[Change, ...]:
        """What differs, whether it may be done, waits, or was refused for good."""
        verdict = self.verdict
        changes = (*verdict.plan.changes, *verdict.waiting, *verdict.withheld_changes)
        return (*changes, *(one.change for one in self.refused))

    @property
    def is_final(self) -> bool:
        """Nothing that this state may take away is still to be seen."""
        return not self.unread and not self.resolution.is_waiting


class Looker:
    """Looks at one server. `shared_through` is a database to read the shared catalogs in."""

    def __init__(
        self,
        *,
        regent: str,
        served: tuple[str, ...],
        connections: Connections,
        shared_through: str,
        origin: str = "",
    ) -> None:
        """`origin` is the source that may be obeyed; empty is any."""
        self._regent = regent
        self._origin = origin
        self._served = served
        self._connections = connections
        self._shared_through = shared_through
        self._parameters: Parameters | None = None
        self.compilations = Compilations(COMPILATIONS_PER_DATABASE * max(1, len(served)))

    async def restraint(self, accepted: AcceptedState, memory: Memory) -> Trouble | None:
        """Why nothing may be written now, without looking at anything else."""
        obeyed = self._obeyed(memory)
        server = await read_server(self._connections, self._shared_through)
        takeover = obeyed.takeover(accepted, server.system_identifier, None)
        return restraint(accepted.state.regent.spec, server, takeover)

    def _obeyed(self, memory: Memory) -> Obeyed:
        return Obeyed(self._regent, self._origin, memory.system_identifier, memory.refused_push)

    async def look(
        self,
        accepted: AcceptedState,
        marks: tuple[Mark, ...],
        memory: Memory,
        now: datetime,
    ) -> Looked:
        """Read everything, and say what a pass would do. `memory` is Memory.as_of_now().

        A served database that cannot be read does not keep the others from being looked at.
        """
        if self._parameters is None:
            self._parameters = await read_parameters(self._connections, self._shared_through)
        server = await read_server(self._connections, self._shared_through)
        marks = marks_on(server, marks, memory.system_identifier)
        asked = asked_about(accepted, marks, self._regent)
        holdings = await read_holdings(self._connections, self._shared_through, self._served, asked)
        server = replace(server, holdings=holdings)
        if are_asked(accepted.state):
            definers = await read_definers(self._connections, self._served)
            server = replace(server, definers=definers)
        situation = Situation(
            accepted=accepted,
            marks=marks,
            server=server,
            regent=self._regent,
            served=self._served,
            now=now,
            ordinary_parameters=self._parameters.ordinary,
            known_parameters=self._parameters.known,
            libraries=self._parameters.libraries,
            locked_ends=memory.locked_ends,
            census=memory.census,
        )
        resolution = resolve(situation)
        observed, unread = await read_databases(
            self._connections, self._served, resolution.desired, server
        )
        seen = compared(situation, resolution, observed, unread, memory, self.compilations)
        takeover = self._obeyed(memory).takeover(
            accepted, server.system_identifier, resolution.taken_back
        )
        ends = ending_pairs(seen.wanted.changes, resolution.desired, memory.brake.left)
        code = await read_code_left(self._connections, self._served, ends)
        return replace(
            seen,
            code_left=code,
            restraint=restraint(accepted.state.regent.spec, server, takeover),
            takeover=takeover,
            awaiting=memory.refused_push.resources if memory.refused_push else {},
        )


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
    wanted, refused = without_refused(
        plan(
            desired,
            observed,
            verifier_digests={
                m.role: m.verifier_digest for m in situation.marks if m.verifier_digest
            },
            holders=situation.holders(),
            unfinished=brake.unfinished,
            sessions=brake.sessions,
            compilations=compilations,
        ),
        still_refused(memory.refused, situation.now),
        brake.sessions,
    )
    verdict = _judge(situation, desired, observed, wanted, brake, compilations)
    return Looked(
        edition=situation.accepted.edition,
        resolution=resolution,
        observed=observed,
        wanted=wanted,
        verdict=_in_order(verdict, brake, desired, observed.server, refused, unread),
        refused=refused,
        unread=unread,
        holders=situation.holders(),
        census=situation.census,
    )


def asked_about(accepted: AcceptedState, marks: tuple[Mark, ...], regent: str) -> Asked:
    """The roles whose holdings must be known: those that are declared, and those of our marks."""
    names = (
        entry.spec.postgres_name(ResourceKey.parse(key).name)
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
    compilations: Compilations,
) -> Verdict:
    """Ask the brake, unless nothing is lost or these losses were let through before."""
    accepted = situation.accepted
    adopted = adoptions_to_judge(memory, accepted, desired.adopted)
    if is_judged(memory, accepted) and not adopted and not memory.given:
        return Verdict(wanted)
    if not losses(wanted):
        return Verdict(wanted)
    others = adopted | memory.renamed | renamed_by(wanted.changes)

    def with_plan(state: AcceptedState) -> tuple[Plan, Desired]:
        before = without_authority_over(resolve(situation.at(state)).desired, others)
        return plan(before, observed, compilations=compilations), before

    baseline, *given = map(with_plan, baselines(memory, accepted, situation.now))
    compared = Comparison(
        wanted,
        desired,
        *baseline,
        server_after(wanted.changes, observed.server),
        adopted,
        memory.handed | handed_by(wanted.changes, situation.holders()),
        tuple(given),
    )
    return judge(compared, memory, accepted, situation.now)


def _in_order(
    verdict: Verdict,
    memory: BrakeMemory,
    desired: Desired,
    server: ObservedServer,
    refused: tuple[Refusal, ...],
    unread: Mapping[str, str],
) -> Verdict:
    """Less what hands on an adopted role before all is gone that it has beyond its declaration."""
    not_done = (*verdict.withheld_changes, *(one.change for one in refused))
    split = not_yet(
        verdict.plan,
        desired.adopted | memory.unfinished,
        not_done,
        server_after(verdict.plan.changes, server),
        is_all_read=not unread,
    )
    return replace(verdict, plan=split.plan, waiting=split.waiting)
