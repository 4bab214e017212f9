"""One leader at a time, by a Lease, also when the leader is frozen and comes back.

A leader is one for `renew_seconds` from *before* it sent the renewal that succeeded; another takes
over only after it has seen the Lease unchanged for `lease_seconds`, each by its own clock that
never jumps: no two machines' clocks are compared. What lies between the two is for requests under
way. Whoever must be leader to write asks `seconds_left` right before each request and again when
it is sent (`KubeApi.writing_while`). A virtual machine whose clock was stopped with it cannot know,
and a network may deliver late: for that a push names the state that it replaces, and whoever has
learned that name asks for `prove` before it is used (rule 17).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import LEASE, JsonObject
from controller.kube.tenure import (
    Observation,
    Terms,
    new_spec,
    now_text,
    own_identity,
    steady_clock,
)
from shared.errors import PostgRegentError
from shared.logging import get_logger

log = get_logger(__name__)


class NotLeader(PostgRegentError):
    """This controller is not, or no longer, the leader: nothing was written."""


class LeaseElector:
    """Competes for a Lease, leads, and gives it back."""

    def __init__(
        self,
        api: KubeApi,
        namespace: str,
        name: str,
        *,
        identity: str | None = None,
        terms: Terms | None = None,
        clock: Callable[[], float] = steady_clock,
        refused: Callable[[str], None] = lambda _why: None,
    ) -> None:
        """`refused` hears why the API server refuses the Lease, and with nothing that it is over.

        That somebody else holds it, or that nobody answers, is no refusal.
        """
        self.identity = identity or own_identity()
        self._terms = terms or Terms()
        self._api = api
        self._namespace = namespace
        self._name = name
        self._clock = clock
        self._tell_refused = refused
        self._refused = ""
        self._seen: Observation | None = None
        self._held: JsonObject | None = None
        self._leads_until = float("-inf")
        self._sent, self._taken = 0, 0
        """How many requests were sent to have the Lease, and the last of them that was granted."""
        self._renewing = asyncio.Lock()

    @property
    def is_leader(self) -> bool:
        """At this very moment, by the clock: also right after a freeze."""
        return self._clock() < self._leads_until

    @property
    def leader(self) -> str:
        """Who held the Lease when it was last looked at; empty: nobody, or not looked at yet."""
        return self._seen.holder if self._seen else ""

    def seconds_left(self) -> float:
        """For how long one may still write; NotLeader where for no longer."""
        left = self._leads_until - self._clock()
        if left <= 0:
            raise NotLeader
        return left

    async def prove(self) -> None:
        """Return once the Lease was renewed by a request that was sent after this call.

        NotLeader where it is another one's by now, whatever our clock says: the API server takes a
        renewal over the version that we wrote last, and over no other. Many that ask at once share
        one renewal.
        """
        before = self._sent
        while self._taken <= before:
            left = self.seconds_left()
            if self._held is None:
                raise NotLeader
            if not await self._try(lambda: self._renew(since=before), left):
                await asyncio.sleep(min(left, self._terms.retry_seconds / 4))

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Compete, and lead when it is our turn, again and again until `lead` returns.

        `lead` is cancelled when the Lease is lost, and its end is waited for. The Lease is given
        back in the end, also when this is cancelled.
        """
        try:
            while True:
                await self._acquire()
                log.info("leading", lease=self._name, identity=self.identity)
                if await self._lead(lead):
                    return
                log.warning("no longer the leader", lease=self._name, leader=self.leader)
        finally:
            await self._release()

    async def _lead(self, lead: Callable[[], Awaitable[None]]) -> bool:
        """Whether it came to its own end; False where the Lease was lost first."""
        leading = asyncio.ensure_future(lead())
        renewing = asyncio.create_task(self._keep())
        try:
            await asyncio.wait({leading, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if leading.done():
                await leading
                return True
            self._leads_until = float("-inf")
            await renewing
        finally:
            await _ended(leading)  # first: it may still write while it ends
            await _ended(renewing)
        if not leading.cancelled():
            await leading
        return False

    async def _acquire(self) -> None:
        """Return as the leader."""
        while True:
            if await self._try(self._compete, self._terms.renew_seconds):
                return
            await asyncio.sleep(self._terms.retry_seconds)

    async def _keep(self) -> None:
        """Renew for as long as that succeeds in time; return when the Lease is lost."""
        pause = self._terms.retry_seconds
        while self._held is not None and self.is_leader:
            left = self._leads_until - self._clock()
            await asyncio.sleep(min(pause, left))
            left = self._leads_until - self._clock()
            # Half of what is left, so that one lost answer leaves time for another try.
            patience = min(left, max(left / 2, self._terms.retry_seconds / 2))
            renewed = left > 0 and await self._try(self._renew, patience)
            pause = self._terms.retry_seconds / (1 if renewed else 4)

    async def _try(self, attempt: Callable[[], Awaitable[bool]], patience: float) -> bool:
        """One attempt; a failure of the API is a no."""
        try:
            async with asyncio.timeout(patience):
                is_had = await attempt()
        except (ApiError, TimeoutError) as problem:
            log.info("the lease could not be had", lease=self._name, problem=repr(problem))
            if isinstance(problem, ApiError) and not (problem.is_transient or problem.is_conflict):
                self._note_refused(str(problem))
            return False
        self._note_refused("")
        return is_had

    def _note_refused(self, why: str) -> None:
        if why != self._refused:
            self._refused = why
            self._tell_refused(why)

    async def _compete(self) -> bool:
        found = await self._look()
        if self._seen and not self._seen.is_free_for(self.identity, self._clock()):
            return False  # also where the Lease was deleted: its holder leads on for a while
        if found is None:
            return await self._write(new_spec(self._terms, self.identity, transitions=0), None)
        before = found.get("spec") or {}
        transitions = int(before.get("leaseTransitions") or 0)
        if before.get("holderIdentity") != self.identity:
            transitions += 1
        return await self._write(new_spec(self._terms, self.identity, transitions), found)

    async def _renew(self, since: float | None = None) -> bool:
        """Have a renewal that was sent after the one of this number; without, one more."""
        async with self._renewing:
            if since is not None and self._taken > since:
                return True
            return await self._write_again()

    async def _write_again(self) -> bool:
        """Write a new time over the version that we wrote last, and over no other."""
        held = self._held
        if held is None:
            return False
        try:
            return await self._write({**held["spec"], "renewTime": now_text()}, held)
        except ApiError as problem:
            if not problem.is_conflict and not problem.is_not_found:
                raise
        # Either a renewal of ours arrived whose answer did not, or someone else wrote.
        found = await self._look()
        mine = found is not None and self.leader == self.identity
        self._held = found if mine else None
        return False

    async def _look(self) -> JsonObject | None:
        try:
            found = await self._api.get(LEASE, self._namespace, self._name)
        except ApiError as problem:
            if not problem.is_not_found:
                raise
            return None
        now, usual = self._clock(), self._terms.lease_seconds
        if self._seen:
            self._seen = self._seen.after(found, now, usual)
        else:
            self._seen = Observation.of(found, now, usual)
        return found

    async def _write(self, spec: JsonObject, over: JsonObject | None) -> bool:
        """Create, or replace exactly that version; we lead from before it was sent."""
        sent = self._clock()
        self._sent += 1
        number = self._sent
        metadata: JsonObject = {"name": self._name, "namespace": self._namespace}
        if over:
            metadata = over["metadata"]
        body = {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.name,
            "metadata": metadata,
            "spec": spec,
        }
        if over:
            written = await self._api.replace(LEASE, self._namespace, self._name, body)
        else:
            written = await self._api.create(LEASE, self._namespace, body)
        self._held = written
        self._seen = Observation.of(written, self._clock(), self._terms.lease_seconds)
        self._taken = number
        self._leads_until = sent + self._terms.renew_seconds
        return True

    async def _release(self) -> None:
        """Give it back, so that the next need not wait; without an answer it expires by itself."""
        held, self._held = self._held, None
        self._leads_until = float("-inf")
        with contextlib.suppress(ApiError, TimeoutError):
            async with asyncio.timeout(self._terms.renew_seconds):
                while held is not None and not await self._released(held):
                    found = await self._look()
                    held = found if self.leader == self.identity else None

    async def _released(self, held: JsonObject) -> bool:
        """False where a renewal that was under way has made another version of it."""
        nobody = {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": now_text()}
        body = {**held, "spec": {**held["spec"], **nobody}}
        try:
            await self._api.replace(LEASE, self._namespace, self._name, body)
        except ApiError as problem:
            if problem.is_conflict:
                return False
            raise
        return True


async def _ended(task: asyncio.Future[None]) -> None:
    """Cancelled, and at its end; what it failed with stays in the task."""
    task.cancel()
    await asyncio.wait([task])
