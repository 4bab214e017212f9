"""What a Regent remembers in its home database, as values (rule 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.json_text import json_text
from shared.keys import ResourceKey
from shared.outcomes import Actor
from shared.state import REVEAL, DesiredState, Entry


@dataclass(frozen=True, slots=True)
class Mark:
    """One role that a Regent of this server manages, or managed and released (rule 8).

    `regent` is `namespace/name` of the one whose mark it is. `role_oid` only tells a rename.
    `verifier_digest` is a sha256 of the verifier that was last set, for an admin who cannot read
    pg_authid. A released mark keeps its holder, who takes the role back without `adopt`.
    """

    role: str
    regent: str
    holder: ResourceKey
    origin: Literal["created", "adopted"]
    role_oid: int
    released: bool = False
    verifier_digest: str = ""


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Departed(_Stored):
    """A resource that is gone: what its end needs to know, kept until the end is done.

    `is_shut_out`: its namespace is not served any more, which is as explicit as a narrowed `allow`.
    """

    entry: Entry
    at: datetime
    is_shut_out: bool = False


class AcceptedState(_Stored):
    """The last push, merged with what it held.

    `state.resources` are the effective entries: for a held resource the one accepted before.
    `push_etag` is what the next push must name in If-Match, and no more: the same content, merged
    with something else, is another state. `edition` tells these apart: it is raised by each push
    after which something else shall hold; 0 was stored by a version that had none.

    `since` says when an entry took its present form, and `before` has the form that it replaced, as
    long as it refers to something never seen yet: that is waited for, for 60 s (rule 18).
    `ever_seen` are the Permissions and Roles that were accepted once: one of these that is not here
    any more was deleted, and is not waited for. `past` are the uids of objects whose end was
    accepted, with its time.

    Of takeovers (rule 28a): `lets_in` is the token of a push that a person let in. `settled` is the
    time of the last one, or of the first push: a restore that was seen before is settled by it, and
    `settled_restore` is the one that it told, which may be by a clock that was ahead.
    `is_home_lost` says that the Regent had a state before this first one, `takes_back` which roles
    it may take though they have no mark, once. `may_follow_a_loss`: it is the first one here, on a
    server where a home database was before; only a person knows whether this Regent was in it.
    """

    push_etag: str
    edition: int = 0
    accepted_at: datetime
    state: DesiredState
    since: dict[str, datetime] = Field(default_factory=dict)
    before: dict[str, Entry] = Field(default_factory=dict)
    ever_seen: frozenset[str] = frozenset()
    departed: dict[str, Departed] = Field(default_factory=dict)
    past: dict[str, datetime] = Field(default_factory=dict)
    lets_in: str = ""
    settled: int = 0
    settled_restore: int = 0
    is_home_lost: bool = False
    had_disabled: tuple[str, ...] = ()
    """What the lost home database knew: roles that nobody declares, without the LOGIN they had."""
    may_follow_a_loss: bool = False
    takes_back: frozenset[str] = frozenset()
    must_be_approved: bool | None = None
    """It came under `approval: Manual`: with no memory of an approval it is only looked at."""

    @property
    def is_manual(self) -> bool:
        """A person approves what takes its place."""
        return self.state.regent.spec.approval == "Manual"

    def says_the_same_as(self, other: AcceptedState) -> bool:
        """Whether the same shall hold, and the same has ended. Times and verifiers do not count."""
        return (
            self.state.regent == other.state.regent
            and self.state.held.keys() == other.state.held.keys()
            and _are_same(self.state.resources, other.state.resources)
            and _are_same(self.before, other.before)
            and _are_same(_entries(self.departed), _entries(other.departed))
        )

    def stored(self) -> str:
        """As JSON with verifiers in it: for the home database only."""
        return json_text(self, context=REVEAL, exclude_none=True, by_alias=True)


def _entries(departed: Mapping[str, Departed]) -> dict[str, Entry]:
    return {key: one.entry for key, one in departed.items()}


def _are_same(some: Mapping[str, Entry], others: Mapping[str, Entry]) -> bool:
    return some.keys() == others.keys() and all(
        one is others[key] or _what_counts(one) == _what_counts(others[key])
        for key, one in some.items()
    )


def _what_counts(entry: Entry) -> object:
    if entry.kind != "User":
        return entry
    password = entry.password
    what = None if password is None else password.verifier is None
    return (entry.generation, entry.uid, entry.spec, what)


class Loss(_Stored):
    """One (role x kind x privilege) edge that was or would be taken away, with where."""

    role: str
    kind: str
    privilege: str
    detail: str = ""

    @property
    def edge(self) -> tuple[str, str, str]:
        """What the brake counts."""
        return (self.role, self.kind, self.privilege)


class Approval(_Stored):
    """What a Regent with `approval: Manual` remembers of what waits for a person (rule 20a).

    While something `waits`, passes keep `in_force` true, which was approved last; None: nothing
    was, it is the first state. `given` is the digest that a person approved and no look has heard
    yet. `times` counts the approvals: it is part of each digest, so that none is good twice.
    """

    waits: bool = False
    in_force: AcceptedState | None = None
    given: str = ""
    times: int = 0


LOSSES_ARE_NAMED_BY = 1
"""How `let_through` and `owed` name losses; to be raised with each change of that."""
ALL_OPEN = "*"
"""In `owed`, of names that are not understood any more: whatever a look finds open is owed."""


class BrakeMemory(_Stored):
    """What the brake must know after a restart.

    `baseline` is the last state whose losses were all let through: what would be lost is counted
    against it, so that drift is never counted. `taken` are the losses of the last hour.
    `released_digest` lets exactly those losses through, once. `in_force` is a digest of what the
    last full pass desired, and `still_open` names what it could not do: what differs beyond that
    is drift, also when it came while nobody looked.

    Marks that are written after the baseline must not change what it would do: `adopting` are the
    roles that were adopted since, `renamed` those that got another name or holder, `handed` those
    of them that got another holder. `let_through` names the losses that were let through for the
    accepted state of the edition `let_through_of`, as long as it is not the baseline. `latches`
    counts how often the brake let go: it is part of each digest, so that none is good twice.

    `given` are the entries that states gave since the baseline, in layers (regent/gate/given.py):
    taking them away is a loss as well. `beyond` are roles that were given more than a layer can
    say: whatever is taken from them is one, but for explicit ends.

    `unfinished` are adopted roles that may still have more than is declared: their password and
    LOGIN wait. Something was taken from `sessions`, of which the sessions must still end.

    `left` are (role, member) of memberships that ended, as long as the role owns code that the
    other may use.

    `told_pauses` are the names of the pauses that were told of. `owed` names what declarations took
    and nobody has seen to be gone: no pause that begins meanwhile holds it. `named` says how both
    name losses (`with_names`).

    `approval` is there of each Regent that had `approval: Manual` once: without it nothing was
    approved (`with_approval`).
    """

    baseline: AcceptedState | None = None
    given: tuple[dict[str, Entry], ...] = ()
    beyond: frozenset[str] = frozenset()
    taken: tuple[tuple[datetime, Loss], ...] = ()
    deletions: tuple[tuple[datetime, str], ...] = ()
    pulled_at: datetime | None = None
    released_digest: str = ""
    in_force: str = ""
    still_open: frozenset[str] = frozenset()
    adopting: frozenset[str] = frozenset()
    renamed: frozenset[str] = frozenset()
    handed: frozenset[str] = frozenset()
    let_through: frozenset[str] = frozenset()
    let_through_of: str = ""
    latches: int = 0
    unfinished: frozenset[str] = frozenset()
    sessions: frozenset[str] = frozenset()
    left: frozenset[tuple[str, str]] = frozenset()
    told_pauses: frozenset[str] = frozenset()
    owed: frozenset[str] = frozenset()
    named: int = 0
    approval: Approval | None = None

    @property
    def approving(self) -> Approval:
        """`approval`, where nothing ever waited too."""
        return self.approval or Approval()


def with_editions(
    accepted: AcceptedState | None, brake: BrakeMemory
) -> tuple[AcceptedState | None, BrakeMemory]:
    """As they are stored now, from a version that told accepted states apart by their etags.

    What it let through stays so where the baseline says the same as the accepted state, and not
    only its push; what it had pulled stays pulled.
    """
    if accepted is None or accepted.edition:
        return accepted, brake
    etag, baseline = accepted.push_etag, brake.baseline
    accepted = accepted.model_copy(update={"edition": 1})
    update: dict[str, object] = {}
    if baseline is not None and (baseline.edition, baseline.push_etag) == (0, etag):
        # Of the accepted state alone those are forgotten whose end is done.
        departed = {k: one for k, one in baseline.departed.items() if k in accepted.departed}
        same = baseline.model_copy(update={"departed": departed})
        if same.says_the_same_as(accepted):
            update["baseline"] = baseline.model_copy(update={"edition": 1})
    if brake.let_through_of == etag:
        update["let_through_of"] = str(accepted.edition)
    return accepted, brake.model_copy(update=update)


def with_approval(accepted: AcceptedState | None, brake: BrakeMemory) -> BrakeMemory:
    """No memory of an approval is none: what came under `approval: Manual` then waits for one."""
    if accepted is None or brake.approval is not None:
        return brake
    if not accepted.is_manual and not accepted.must_be_approved:
        return brake
    return brake.model_copy(update={"approval": Approval(waits=True)})


def with_names(brake: BrakeMemory) -> BrakeMemory:
    """As it is understood now, from a version that named losses otherwise.

    Nothing counts as let through that cannot be told: it is judged once more. And whatever is open
    may be what a declaration took: no pause holds it until one look has seen all.
    """
    if brake.named == LOSSES_ARE_NAMED_BY or not (brake.let_through or brake.owed):
        return brake
    owed = frozenset({ALL_OPEN}) if brake.owed else frozenset[str]()
    update = {"let_through": frozenset[str](), "owed": owed, "named": LOSSES_ARE_NAMED_BY}
    return brake.model_copy(update=update)


@dataclass(frozen=True, slots=True)
class Unmanageable:
    """One thing the server refused for good (rule 21).

    `since` is the first refusal of those that came in a row, as far as this process knows. With
    `is_helped` the message has the statement that gives the admin the right that it lacks.
    """

    digest: str
    sqlstate: str
    message: str
    found_at: datetime
    since: datetime | None = None
    is_helped: bool = False


@dataclass(frozen=True, slots=True)
class Noticed:
    """A role that nobody declares, as it is remembered: by its oid, whatever it is called now.

    `appeared_at` is None of what was there at the first look, and `actor` where nobody is known.
    With `disabled_at` the Regent took its LOGIN, and gives it back.
    """

    role_oid: int
    role: str
    appeared_at: datetime | None = None
    actor: Actor | None = None
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Census:
    """What one Regent remembers of the roles that nobody declares (rule 11).

    `since` is when it looked first; None: it did not yet. `doubtful` are roles whose mark cannot be
    read: nobody knows whether they are managed.
    """

    since: datetime | None = None
    noticed: tuple[Noticed, ...] = ()
    doubtful: frozenset[str] = frozenset()


NO_CENSUS = Census()


@dataclass(frozen=True, slots=True)
class Pause:
    """The correction of one role is paused, told by its oid (rule 26). `role` was its name then.

    Whether it is over is asked of the server's clock alone: `until` and `since` are for people, and
    the seconds, counted as it was read, for whoever goes by a clock of his own.
    """

    role_oid: int
    role: str
    until: datetime
    reason: str
    by: str
    since: datetime
    left_seconds: float = 0.0

    @property
    def name(self) -> str:
        """Tells it from any other pause, also from a longer one of the same role."""
        return f"{self.role_oid} {self.since.isoformat()}"


@dataclass(frozen=True, slots=True)
class Remembered:
    """Everything read at the start of a Regent."""

    accepted: AcceptedState | None
    brake: BrakeMemory
    marks: tuple[Mark, ...]
    system_identifier: str | None
    unmanageable: Mapping[str, Unmanageable]
    census: Census = NO_CENSUS
    pauses: tuple[Pause, ...] = ()
