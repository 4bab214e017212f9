"""The conversation with one Regent: what is to be pushed, what it says of it, what it corrected.

A link first asks what the Regent has accepted and which verifiers are in force (`meet`), because
both decide what is compiled; only then is anything pushed, naming the state that it replaces
(rule 17). Whenever the Regent stops answering, or says that it goes by another state than was
pushed to it, all of this begins again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import assert_never

from controller.regents.acquaintance import Acquaintance, bound_by
from controller.regents.client import (
    Accepted,
    InRecovery,
    Refused,
    RegentClient,
    RegentUnreachable,
    Stale,
    TakeoverNeeded,
    UnexpectedAnswer,
)
from controller.regents.consents import Consents
from controller.regents.footing import Footing, Stands
from controller.regents.heard import Drifted, FromLink, Met, Said, Took, Troubled
from controller.regents.outcome import IN_RECOVERY, NOT_ANSWERING, NotReached
from shared.backoff import Backoff
from shared.consent import Consent
from shared.errors import PostgRegentError
from shared.http import UNKNOWN_SERVER, InForce, StatusBody
from shared.keys import ResourceKey
from shared.logging import get_logger
from shared.state import DesiredState, WrittenState, after

WAIT_SECONDS = 25
LOST_WAIT_SECONDS = 2
"""For news of one without a connection: the process that answers may be on its way out."""
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 2.0
LONGEST_ODD_SECONDS = 30.0
"""What answers and is not understood is seldom understood a moment later."""
PACE_SECONDS = 0.02
"""Between two answers of one conversation: one that answers at once for ever takes no more."""

log = get_logger(__name__)


class ConversationFailed(PostgRegentError):
    """What one Regent says cannot be used."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"What it answers cannot be used ({kind}); it is asked again.",
            way_out="The controller's log has the trace; look at the Regent's log too.",
        )


async def is_alone() -> None:
    """Prove nothing: nobody else pushes what this process reads, such as a directory."""


class RegentLink:
    """One Regent, as the controller talks to it."""

    def __init__(
        self,
        key: ResourceKey,
        client: RegentClient,
        tell: Callable[[FromLink], None],
        prove: Callable[[], Awaitable[None]] = is_alone,
    ) -> None:
        """`tell` hears what the Regent says; none of it waits.

        `prove` raises where another process leads by now. It is awaited between hearing which state
        is accepted and naming it: whoever leads next has not pushed before it led.
        """
        self.key = key
        self.acquaintance: Acquaintance | None = None
        self.is_pushed = False
        self.pushed_revision = 0
        """Of the last push that was accepted; 0 where it was accepted before we came."""
        self._client = client
        self._tell = tell
        self._prove = prove
        self._state: DesiredState | WrittenState | None = None
        self._consents = Consents()
        self._footing = Footing()
        self._had_state = ""
        self._had_disabled: tuple[str, ...] = ()
        self._had_in_force: InForce | None = None
        self._doubted, self._must_push = "", False
        """The takeover that a push was sent for once more, and that it has to be sent still."""
        self._is_of_a_standby = False
        """The last push was refused for that."""
        self._heard = 0
        self._server = ""
        """Of which `_heard` is the last id."""
        self._made_at = datetime.now(UTC)
        self._stale = Backoff(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)
        self._wake = asyncio.Event()
        self._wake.set()

    @property
    def is_behind(self) -> bool:
        """It was seen with another state than was pushed to it, and not with ours since."""
        return self._footing.is_behind

    def go_on_from(self, before: RegentLink) -> None:
        """Tell what this one has not told yet, which talked to the same Regent until now."""
        self._heard, self._made_at = before._heard, before._made_at
        self._server = before._server
        self._had_in_force = before._had_in_force
        self._footing.is_behind = before.is_behind

    def push(self, state: DesiredState) -> None:
        """Have this state accepted; a newer call replaces an older one that has not gone yet.

        One that says the same changes nothing: what was accepted stays told.
        """
        before = self._state.state if isinstance(self._state, WrittenState) else self._state
        if before is not None and before.says_the_same_as(state):
            return
        self._state = state
        self.is_pushed = False
        self._wake.set()

    def pass_on(self, consents: Iterable[Consent]) -> None:
        """Tell what a person agrees to, as soon as the Regent says that it waits for exactly that.

        One that stays written somewhere when it was used, or never fitted, is worth nothing.
        """
        if self._consents.give(consents):
            self._wake.set()

    def remember(self, had_state_on: str, had_disabled: tuple[str, ...] = ()) -> None:
        """The server on which this Regent was seen with a state, before this link was made.

        And whom it had disabled there, as far as this link has heard nothing newer.
        """
        if not self._had_state:
            self._had_state, self._had_disabled = had_state_on, had_disabled

    async def run(self) -> None:
        """Talk until cancelled."""
        async with self._client, asyncio.TaskGroup() as group:
            group.create_task(self._keep(self._push_when_asked))
            group.create_task(self._keep(self._follow_status))
            group.create_task(self._keep(self._follow_history))

    async def _keep(self, talk: Callable[[], Awaitable[None]]) -> None:
        """Begin again after a pause whenever the Regent cannot be talked to."""
        usual = Backoff(FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)
        odd = Backoff(FIRST_WAIT_SECONDS, LONGEST_ODD_SECONDS)
        loop = asyncio.get_running_loop()
        while True:
            began, is_odd = loop.time(), False
            try:
                await talk()
            except PostgRegentError as error:
                self._forget(error)
                is_odd = isinstance(error, UnexpectedAnswer) and error.problem is None
            except Exception as error:
                # Whatever it answered, or whatever we make of it: no other Regent may feel it.
                log.exception("a conversation failed", regent=str(self.key))
                self._forget(ConversationFailed(type(error).__name__))
                is_odd = True
            wait = (odd if is_odd else usual).after(loop.time() - began)
            await asyncio.sleep(wait)

    def _forget(self, error: PostgRegentError) -> None:
        self._meet_anew()
        self._trouble(*_words_of(error))

    def _meet_anew(self) -> None:
        self.acquaintance = None
        self.is_pushed = False
        self._wake.set()

    def _trouble(self, reason: str, message: str) -> None:
        self._tell(Troubled(self.key, NotReached(reason, message)))

    async def _push_when_asked(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self.acquaintance is None:
                await self._meet()
            elif self._state is not None:
                written = await self._written(self._state, self.acquaintance)
                if self.acquaintance is not None:
                    await self._push(written, self.acquaintance)
            is_taken = await self._consents.send(self._client.consent)
            if is_taken and not self.is_pushed:
                self._wake.set()

    async def _meet(self) -> None:
        self._state = None
        accepted = await self._client.state()
        if accepted is None:  # its home database is a new one, where ids begin again
            self._heard = 0
        verifiers = await self._client.verifiers()
        await self._prove()
        self._footing.met(accepted.etag if accepted else None)
        self.acquaintance = Acquaintance(
            etag=accepted.etag if accepted else None,
            resources=accepted.resources if accepted else frozenset(),
            verifiers=verifiers,
        )
        self._tell(Met(self.key))

    async def _written(
        self, state: DesiredState | WrittenState, known: Acquaintance
    ) -> WrittenState:
        """Written once for each push, and not on the loop. It is newer than all that is known."""
        if isinstance(state, WrittenState):
            return state
        was_in_force = self._had_in_force[1] if self._had_in_force else 0
        newer = after(state, max(known.revision, was_in_force))
        written = await asyncio.to_thread(WrittenState.of, newer)
        if self._state is state:
            self._state = written
        return written

    async def _push(self, written: WrittenState, known: Acquaintance) -> None:
        state = written.state
        is_there = known.content == written.content and known.revision >= self.pushed_revision
        if is_there and not self._must_push:
            self.is_pushed = True
            self._tell(Took(self.key))
            return
        self._must_push = False
        self._footing.sends(written.etag)
        answer = await self._client.put_state(
            written,
            if_match=known.etag,
            had_state=self._had_state,
            had_disabled=self._had_disabled,
            had_in_force=self._had_in_force,
        )
        match answer:
            case Accepted(etag=new):
                self._footing.is_taken(new)
                if self.acquaintance is not known:
                    # Another conversation found meanwhile that it is not the one that we knew.
                    self.acquaintance = None
                    self._wake.set()
                    return
                self.acquaintance = Acquaintance(new, bound_by(state, known), known.verifiers)
                self._stale.succeeded()
                self.pushed_revision = state.revision
                self.is_pushed = self._state is written  # else a newer one waits already
                self._tell(Took(self.key))
            case Stale():
                self.acquaintance = None
                self._wake.set()
                await asyncio.sleep(self._stale.after())
            case Refused(problems=problems):
                said = "; ".join(f"{p.field} {p.message}" for p in problems)
                self._trouble("Refused", f"It refuses the push: {said}")
            case TakeoverNeeded(message=message):
                self._footing.is_behind = False  # its own word on each resource is the newest
                self._trouble("TakeoverNeeded", message)
            case InRecovery(message=message):
                self._is_of_a_standby = True
                self._trouble(IN_RECOVERY, message)
            case _:
                assert_never(answer)

    async def _follow_status(self) -> None:
        sequence, wait = 0, float(WAIT_SECONDS)
        while True:
            self._footing.asks()
            status = await self._client.status(after=sequence, wait_seconds=wait)
            if status is None:  # what somebody failed at hearing is heard again
                self._footing.asks()
                status = await self._client.status()
            if status is not None:
                sequence = status.sequence
                wait = self._wait_after(status)
                self._consents.hear(status)
                self._note_memory(status)
                self._confirm(status.takeover.token)
                self._push_to_a_promoted(status)
                if self._consents.are_due:
                    self._wake.set()
                self._tell(Said(self.key, self._as_told(status), is_behind=self.is_behind))
            await asyncio.sleep(PACE_SECONDS)

    def _confirm(self, needed: str) -> None:
        """Push once more, though it is accepted already: another push may have been refused since.

        Such as one of a leader whose cache was behind: then this one ends the doubt. And once more
        where it was refused and the Regent does not know it any more, such as a new process.
        """
        if needed and needed != self._doubted:
            self._must_push = True
            self._wake.set()
        elif self._doubted and not needed and not self.is_pushed:
            self._wake.set()
        self._doubted = needed

    def _push_to_a_promoted(self, status: StatusBody) -> None:
        """What a standby could not remember, once its status speaks of none any more."""
        if self._is_of_a_standby and status.restraint != IN_RECOVERY:
            self._is_of_a_standby = False
            self._wake.set()

    def _note_memory(self, status: StatusBody) -> None:
        """Where it had a state. The ids of what it tells are another server's after a takeover."""
        if status.system_identifier and status.system_identifier != self._server:
            self._heard = 0 if self._server else self._heard
            self._server = status.system_identifier
        if status.accepted_revision is not None:
            self._had_state = status.system_identifier or self._had_state or UNKNOWN_SERVER
            if status.looked and not status.takeover.needed:
                found = status.unmanaged.roles if status.unmanaged is not None else ()
                self._had_disabled = tuple(one.name for one in found if one.disabled)
        self._note_in_force(status)

    def _note_in_force(self, status: StatusBody) -> None:
        """The newest that it had in force. What waits for approval is not in force."""
        server, applied = status.system_identifier or UNKNOWN_SERVER, status.applied_revision
        if not (applied and status.looked) or status.approval.waiting:
            return
        before = self._had_in_force
        newest = max(applied, before[1]) if before and before[0] == server else applied
        self._had_in_force = (server, newest)

    def _wait_after(self, status: StatusBody) -> float:
        """For news. One that goes by another state than we know is met anew, and pushed to anew."""
        stands = self._footing.hears(status)
        if stands is Stands.LATE:
            return 0
        if stands is Stands.ELSEWHERE:
            log.warning("goes by another state than it was told", regent=str(self.key))
            self._meet_anew()
        elif self.is_pushed and self._footing.is_seen(status):
            self._footing.is_behind = False
        is_usual = status.trouble is None and not self.is_behind
        return WAIT_SECONDS if is_usual else LOST_WAIT_SECONDS

    def _as_told(self, status: StatusBody) -> StatusBody:
        """No pass has looked with what is declared, as long as it is behind."""
        return status.model_copy(update={"looked": False}) if self.is_behind else status

    async def _follow_history(self) -> None:
        """What was found since this link was made, each once, also after the Regent was away.

        What is older was told before: by who was the controller then.
        """
        while True:
            page = await self._client.history(after=self._heard, wait_seconds=WAIT_SECONDS)
            for drift in page.items:
                self._heard = max(self._heard, drift.id)
                if drift.found_at >= self._made_at:
                    self._tell(Drifted(self.key, drift))
            await asyncio.sleep(PACE_SECONDS)


def _words_of(error: PostgRegentError) -> tuple[str, str]:
    """Reason and message of the trouble that a conversation ended with."""
    if isinstance(error, RegentUnreachable):
        return NOT_ANSWERING, "Its process does not answer. If it goes on, its log says why."
    if isinstance(error, UnexpectedAnswer) and error.problem:
        said = f"{error.problem.detail or error.message} {error.way_out}".strip()
        return error.problem.reason, said
    return "NotReady", str(error)
