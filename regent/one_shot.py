"""`postgregent plan` and `apply`: one pass in process, without triggers, and then the end.

`apply` works under the Regent's lock and keeps marks and accepted state in the home database like
the daemon does; `plan` writes nothing at all, not even a home database (interface 9).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import perf_counter

from regent.accept.merge import accept
from regent.answers import TakeoverNeeded, TokenMismatch
from regent.apply.owned import Owned, owned_by_leavers
from regent.apply.result import ChangeResult, Heed, nobody_heeds
from regent.changes import Change, DropRole, Plan, ReleaseRole
from regent.desired import Desired
from regent.foundation import Foundation, founded, looker, memory_of
from regent.gate.approval import Serving, approved, last_in_force, to_serve
from regent.gate.brake_memory import released
from regent.gate.losses import Words
from regent.gate.pauses import Paused
from regent.gate.refusals import Refusal
from regent.gate.restraint import IN_RECOVERY
from regent.gate.takeover import Takeover, accepting, taken_over, takeover_by
from regent.home.check import OWNER
from regent.home.database import may_not_make
from regent.home.store import Home
from regent.observed import ObservedServer
from regent.passes.approving import planned
from regent.passes.full import dry_pass
from regent.passes.look import Looker, Memory
from regent.passes.one_pass import Pass
from regent.plan.unmatched import Unmatched, literals
from regent.remembered import AcceptedState, Loss, Mark, Remembered
from regent.report.approval import approval_body
from regent.report.bodies import brake_body, takeover_body
from regent.report.shut_out import shut_out_notes
from regent.report.unmanaged import in_words, problems_of, unmanaged_body
from regent.resolve.by_the_clock import notes_on_time
from regent.server.connections import Connections
from regent.server.doors import first_open
from regent.settings import RegentSettings, connector_of
from shared.consent import Consent
from shared.http import ApprovalBody, BrakeBody, TakeoverBody, UnmanagedBody
from shared.keys import ResourceKey
from shared.outcomes import EXISTS_UNMANAGED, Outcome
from shared.state import DesiredState, Trouble, after, etag


@dataclass(frozen=True, slots=True)
class OnceReport:
    """What one pass would do, or did.

    `brake` is there when it withholds something, `takeover` when a person may accept one. `unread`
    are the databases that could not be read, and why; with a `restraint` nothing is written.
    `owned` is what roles own whose end is planned, or was not possible. `waiting` is what is done
    with the withheld losses only: an adopted role's password, LOGIN and members.
    """

    plan: Plan
    to_do: tuple[Change, ...]
    """The plan less what the brake withholds and what waits with it."""
    outcomes: tuple[Outcome, ...]
    results: tuple[ChangeResult, ...]
    brake: BrakeBody | None
    takeover: TakeoverBody | None
    notes: tuple[str, ...]
    seconds: float
    major: int
    unread: Mapping[str, str] = field(default_factory=dict)
    restraint: Trouble | None = None
    withheld: tuple[Loss, ...] = ()
    why_withheld: str = ""
    owned: tuple[Owned, ...] = ()
    waiting: tuple[Change, ...] = ()
    unmanaged: UnmanagedBody | None = None
    paused: tuple[Paused, ...] = ()
    """Roles of which nothing is changed now, with what waits."""
    not_disabled: Mapping[str, str] = field(default_factory=dict)
    """Roles that nobody declares and that could not be disabled, or enabled again, and why."""
    refused: tuple[Refusal, ...] = ()
    """Of a plan: what the server has refused before, and `apply` asks for again."""
    cannot: str = ""
    """Of a plan: why `apply` could do nothing at all, with the way out."""
    has_let_go: bool = True
    """Whether the brake let go of something, where that was asked for."""
    approval: ApprovalBody | None = None
    """What waits for approval."""
    was_approved: bool = False
    """Whether something was approved by what a person agreed to."""
    unapproved: tuple[Change, ...] = ()
    """All the changes that wait for it; the body has the first of them in words."""

    @property
    def withheld_atoms(self) -> tuple[Words, ...]:
        """All that the brake withholds; `brake` itself has the first of it."""
        return tuple((one.role, one.kind, one.privilege, one.detail) for one in self.withheld)

    @property
    def is_blind(self) -> bool:
        """True where "nothing to do" would say more than is known, or than can be done."""
        return bool(self.unread or self.cannot) or self.is_in_recovery

    @property
    def has_stayed(self) -> bool:
        """Whether somebody who leaves is still there: a deleted resource has no outcome."""
        there: set[str] = set()
        gone: set[str] = set()
        for one in self.results:
            if isinstance(one.change, DropRole | ReleaseRole):
                (gone if one.done else there).add(one.change.role)
        return not there <= gone

    @property
    def is_in_recovery(self) -> bool:
        """The server is a standby: it can be read, and nothing can be written to it."""
        return self.restraint is not None and self.restraint.reason == IN_RECOVERY


OnlyIf = Callable[[OnceReport], None]


@dataclass(frozen=True, slots=True)
class AtHome:
    """What the home database remembers of this Regent; None: there is no home database yet."""

    remembered: Remembered | None


async def at_home(settings: RegentSettings) -> AtHome:
    """To be read once by a command that writes nothing, for all that it asks."""
    connector = connector_of(settings.server)
    return AtHome(
        await Home.find(connector, database=settings.home_database, regent=settings.regent)
    )


@dataclass(frozen=True, slots=True)
class _Dry:
    """What is needed to look at a server as a pass would, without lock and home database."""

    looker: Looker
    accepted: AcceptedState
    marks: tuple[Mark, ...]
    memory: Memory
    connections: Connections
    through: str
    is_remembered: bool


@asynccontextmanager
async def _dry(
    settings: RegentSettings,
    state: DesiredState,
    home: AtHome | None,
    *,
    is_of_anybody: bool = False,
) -> AsyncIterator[_Dry]:
    """`is_of_anybody`: also where another source is obeyed there, as nothing will come of it."""
    connector = connector_of(settings.server)
    remembered = (home or await at_home(settings)).remembered
    memory = memory_of(remembered)
    if is_of_anybody:
        accepted = accept(None, state, etag(state), datetime.now(UTC))
    else:
        accepted, _ = _accept(settings.regent, memory, state, Consent("Takeover"))
    marks = remembered.marks if remembered else ()
    connections = Connections(connector)
    try:
        through = await first_open(connections, settings.databases, home=settings.home_database)
        possible = to_serve(memory.brake, memory.accepted, settings.databases)
        serving = Serving(possible, settings.databases)
        looking = looker(settings, connections, serving, shared_through=through)
        is_remembered = remembered is not None
        yield _Dry(looking, accepted, marks, memory, connections, through, is_remembered)
    finally:
        await connections.close()


async def plan_once(
    settings: RegentSettings, state: DesiredState, home: AtHome | None = None
) -> OnceReport:
    """What `apply_once` would do. Needs no lock and writes nothing.

    `home` is what was read a moment ago, for what the state was compiled by.
    """
    began = perf_counter()
    async with _dry(settings, state, home) as dry:
        one = await planned(dry.looker, dry.accepted, dry.marks, dry.memory)
        had_owner = OWNER in one.server.roles
        accepted = _following(dry.memory.accepted, dry.accepted, had_owner=had_owner)
        takeover = await _acceptable(one, dry.looker, accepted, dry.marks, dry.memory)
        owned = await owned_by_leavers(dry.connections, dry.through, one.desired)
    is_there = settings.home_database in one.server.database_names
    lacks = () if dry.is_remembered or is_there else _lacks_for_a_home(one.server)
    what = "its tables in the home database" if is_there else "the home database"
    made = f"apply would make {what} {settings.home_database!r}."
    is_told = dry.is_remembered or lacks
    notes = (*(() if is_told else (made,)), *notes_on_time(state, datetime.now(UTC)))
    report = _report(one, takeover, notes, owned, began)
    report = replace(report, refused=one.not_manageable)
    if not lacks:
        return report
    name, major = settings.home_database, one.server.major
    no = may_not_make(name, one.server.admin, lacks, major=major)
    return replace(report, cannot=f"apply would end at once: {no}")


def _lacks_for_a_home(server: ObservedServer) -> tuple[str, ...]:
    """The attributes without which the admin cannot make a home database. Pure."""
    admin = server.roles.get(server.admin)
    if server.admin_is_superuser or admin is None:
        return ()
    wanted = ("createdb",) if OWNER in server.roles else ("createrole", "createdb")
    return tuple(one.upper() for one in wanted if not getattr(admin.attributes, one))


@dataclass(frozen=True, slots=True)
class LiteralsReport:
    """The literals of each Permission that name nothing, and the databases that were not read."""

    unmatched: Mapping[ResourceKey, tuple[Unmatched, ...]]
    unread: Mapping[str, str]


async def desired_once(
    settings: RegentSettings, state: DesiredState, home: AtHome | None = None
) -> Desired:
    """What shall be there by a state, whosever is in force there. Writes nothing."""
    async with _dry(settings, state, home, is_of_anybody=True) as dry:
        looked = await dry.looker.look(dry.accepted, dry.marks, dry.memory, datetime.now(UTC))
    return looked.resolution.desired


async def literals_once(
    settings: RegentSettings, state: DesiredState, home: AtHome | None = None
) -> LiteralsReport:
    """What a plan notes about names without a wildcard. Writes nothing."""
    async with _dry(settings, state, home) as dry:
        looked = await dry.looker.look(dry.accepted, dry.marks, dry.memory, datetime.now(UTC))
    found = literals(looked.resolution.desired, looked.observed)
    return LiteralsReport(found, {name: in_a_line(why) for name, why in looked.unread.items()})


async def apply_once(
    settings: RegentSettings,
    state: DesiredState,
    *,
    consents: Iterable[Consent] = (),
    heed: Heed = nobody_heeds,
    only_if: OnlyIf | None = None,
) -> OnceReport:
    """Bring the server to the state. Raises LockHeld while a Regent or another apply runs.

    `consents` are what a person agreed to, of each kind at most one. `heed` hears what is applied,
    while it is. `only_if` hears under the lock what would be done, and raises where that must not
    be; nothing was stored or applied then.
    """
    began = perf_counter()
    async with founded(settings, connector_of(settings.server), heed) as stand:
        if only_if is not None:
            only_if(await _foreseen(stand, settings, state, began))
        return await apply_on(stand, settings.regent, state, consents=consents, began=began)


async def apply_on(
    stand: Foundation,
    regent: str,
    state: DesiredState,
    *,
    consents: Iterable[Consent],
    began: float,
) -> OnceReport:
    """The same, under a lock that is held already. `began` is when the work began, for its time."""
    given = {one.kind: one for one in consents}
    release, takeover = (given.get(kind, Consent(kind)) for kind in ("Brake", "Takeover"))
    approval = given.get("Approval", Consent("Approval"))
    memory = stand.passes.memory
    accepted, is_open = _accept(regent, memory, state, takeover)
    accepted = _following(memory.accepted, accepted, had_owner=stand.home.had_owner)
    if is_open:
        accepted = await _take_over(stand, accepted, takeover)
    await stand.passes.make_way(accepted)
    memory.accepted = accepted
    # Somebody runs this to have it tried: what was refused before is asked again.
    await stand.passes.ask_again()
    if release.digest:
        memory.brake = released(memory.brake, release.digest)
    if approval.digest:
        memory.brake = approved(memory.brake, approval.digest)
    before = memory.brake.latches
    await stand.home.store_accepted(accepted)
    one = await stand.passes.full()
    was_approved = one.awaiting is not None and one.awaiting.is_given
    if was_approved:
        before_it = one.results
        one = await stand.passes.full()
        one = replace(one, results=(*before_it, *one.results))
    if one.restraint is None and one.awaiting is None:
        accepted = taken_over(accepted, one.desired.adopted)
        await stand.home.store_accepted(accepted)
    possible = await _acceptable(
        one, stand.passes.looker, accepted, await stand.home.marks(), memory
    )
    owned = await owned_by_leavers(stand.connections, stand.home.database, one.desired)
    has_let_go = memory.brake.latches > before
    in_force = stand.passes.in_force().state
    report = _report(one, possible, notes_on_time(in_force, datetime.now(UTC)), owned, began)
    return replace(report, has_let_go=has_let_go, was_approved=was_approved)


async def _foreseen(
    stand: Foundation, settings: RegentSettings, state: DesiredState, began: float
) -> OnceReport:
    """What `plan_once` would say of it, under the lock and before anything is stored."""
    memory = stand.passes.memory
    asked, _ = _accept(settings.regent, memory, state, Consent("Takeover"))
    one = await stand.passes.plan(asked)
    followed = _following(memory.accepted, asked, had_owner=stand.home.had_owner)
    marks = await stand.home.marks()
    takeover = await _acceptable(one, stand.passes.looker, followed, marks, memory)
    return replace(_report(one, takeover, (), (), began), refused=one.not_manageable)


def _accept(
    regent: str, memory: Memory, state: DesiredState, given: Consent
) -> tuple[AcceptedState, bool]:
    """Merged with what was accepted before, and whether the consent is good for something still.

    Raises TakeoverNeeded for a state from elsewhere that it does not let in.
    """
    before = memory.accepted
    needed = takeover_by(regent, before, state) if before is not None else None
    if needed is not None and not given.fits(needed.wanted):
        raise TakeoverNeeded(needed.message, way_out=needed.way_out)
    if before is not None and before.state.origin == state.origin:
        state = after(state, before.state.revision)
    instead = last_in_force(memory.brake, before)
    accepted = accept(before, state, etag(state), datetime.now(UTC), instead=instead)
    return accepted, needed is None and given.digest != ""


def _following(
    before: AcceptedState | None, accepted: AcceptedState, *, had_owner: bool
) -> AcceptedState:
    """The owner role of home databases stays where one is lost: then there was one before."""
    if before is not None or not had_owner:
        return accepted
    return accepted.model_copy(update={"may_follow_a_loss": True})


async def _take_over(stand: Foundation, accepted: AcceptedState, given: Consent) -> AcceptedState:
    """Another server, or names that are taken back. Raises TokenMismatch."""
    memory = stand.passes.memory
    asked = accepted.model_copy(update={"is_home_lost": accepted.may_follow_a_loss})
    needed = (await stand.passes.observe(asked)).takeover
    if needed is None or not given.fits(needed.wanted):
        raise TokenMismatch(way_out="`postgregent plan` says what waits to be accepted now.")
    if needed.kind == "Server":
        await stand.home.accept_server(needed.new_identifier)
        memory.system_identifier = needed.new_identifier
    return accepting(asked, needed)


async def _acceptable(
    one: Pass, looking: Looker, accepted: AcceptedState, marks: tuple[Mark, ...], memory: Memory
) -> Takeover | None:
    """What may be accepted: what is needed, or taking back what is there without a mark.

    The second only where nobody remembers whether there was a home database of this Regent before:
    then a person must know.
    """
    if one.takeover is not None or not accepted.may_follow_a_loss:
        return one.takeover
    if not any(outcome.reason == EXISTS_UNMANAGED for outcome in one.outcomes.values()):
        return None
    asked = accepted.model_copy(update={"is_home_lost": True})
    return (await dry_pass(looking, asked, marks, memory)).takeover


def in_a_line(text: str) -> str:
    """Whatever breaks it had."""
    return " ".join(text.split())


def _to_do(one: Pass) -> tuple[Change, ...]:
    """What a pass does of the plan, later looks of it included."""
    verdict = one.verdict
    return (*verdict.plan.changes, *verdict.waiting) if verdict.is_pulled else one.plan.changes


def _newness(one: Pass) -> tuple[str, ...]:
    return (one.server.newness,) if one.server.newness else ()


def _report(
    one: Pass,
    takeover: Takeover | None,
    notes: tuple[str, ...],
    owned: tuple[Owned, ...],
    began: float,
) -> OnceReport:
    if takeover is not None and takeover.kind == "Home":
        said = (
            f"There without a mark: {', '.join(sorted(takeover.names))}. Only if PostgRegent"
            " managed them here before its home database was lost, apply takes them back with"
            f" --accept-takeover {takeover.token}; otherwise adopt: true is the way."
        )
        notes = (*notes, said)
    elif takeover is not None:
        notes = (*notes, takeover.trouble.message)
    return OnceReport(
        plan=one.plan,
        to_do=_to_do(one),
        outcomes=tuple(one.outcomes[key] for key in sorted(one.outcomes)),
        results=one.results,
        brake=brake_body(one.verdict) if one.verdict.is_pulled else None,
        takeover=takeover_body(takeover) if takeover else None,
        notes=(
            *notes,
            *_newness(one),
            *shut_out_notes(one.plan.changes, one.server, one.desired),
            *in_words(one.unmanaged),
            *one.kept_open,
            *one.illegible,
        ),
        seconds=perf_counter() - began,
        major=one.server.major,
        unread={name: in_a_line(why) for name, why in sorted(one.unread.items())},
        restraint=one.restraint,
        withheld=one.verdict.withheld,
        why_withheld=one.verdict.why,
        owned=owned,
        waiting=one.verdict.waiting_for_release,
        unmanaged=unmanaged_body(one, one.unmanaged.roles),
        paused=one.paused,
        not_disabled=problems_of(one),
        approval=approval_body(one.awaiting) if one.awaiting is not None else None,
        unapproved=one.awaiting.changes if one.awaiting is not None else (),
    )
