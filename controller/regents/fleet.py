"""The Regents that the controller talks to: one link each, and what each said last.

Whoever subscribes hears what they say, at once and in order: nothing is kept in between, so nothing
is lost there and nothing grows. A subscriber that fails silences no other: it is noted as a fault
about that Regent, whose status is heard again after one wait for news at most.

A Regent that does not answer is asked again for ever; how long it has not been reached decides
when a finalizer may go without it (rule 27).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

from controller.regents.client import RegentClient
from controller.regents.conversation import RegentLink, is_alone
from controller.regents.heard import (
    Changed,
    Drifted,
    FromLink,
    Heard,
    Hears,
    Left,
    Met,
    Said,
    Took,
    Troubled,
)
from controller.regents.outcome import IN_RECOVERY, NOT_MET, NotReached
from controller.regents.reach import (
    Reach,
    has_passed,
    is_served_by_another,
    is_unmarked,
    restraint_of,
    waits_for_approval,
    withholds,
)
from shared.errors import PostgRegentError
from shared.http import StatusBody
from shared.keys import ResourceKey
from shared.logging import get_logger
from shared.state import DesiredState, Verifier

log = get_logger(__name__)
REFUSES_A_PUSH = frozenset({"Refused", "TakeoverNeeded", IN_RECOVERY})
"""Troubles of what goes to a Regent; what comes from it is as good as ever."""


@dataclass(slots=True)
class Served:
    """One Regent that we talk to."""

    client: RegentClient
    link: RegentLink
    passport: str
    task: asyncio.Task[None] | None = None
    status: StatusBody | None = None
    trouble: NotReached | None = NOT_MET
    unreached_since: float | None = None
    is_uninstalled: bool = False
    meetings: int = 0
    """How often it was asked what it has accepted."""

    @property
    def told_trouble(self) -> NotReached | None:
        """Its trouble as far as it was heard; that nothing was heard yet is none."""
        return None if self.trouble == NOT_MET else self.trouble

    @property
    def is_reached(self) -> bool:
        """It answers, though perhaps not as we would like, and reaches its server."""
        return self.trouble is None or self.trouble.is_for_good

    @property
    def is_heard(self) -> bool:
        """Its status is of now, and of a server that it reaches; it may refuse what is pushed."""
        is_heard = self.trouble is None or self.trouble.reason in REFUSES_A_PUSH
        is_connected = self.status is not None and self.status.trouble is None
        return is_heard and is_connected and not self.link.is_behind


class Fleet:
    """All Regents. `note` is told of a subscriber's failure, and at hearing of which Regent.

    `prove` raises where this process does not lead (see RegentLink).
    """

    def __init__(
        self,
        note: Callable[[ResourceKey, Exception], None],
        prove: Callable[[], Awaitable[None]] = is_alone,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._note = note
        self._prove = prove
        self._clock = clock
        self._subscribers: list[Hears] = []
        self._served: dict[ResourceKey, Served] = {}

    @property
    def served(self) -> Mapping[ResourceKey, Served]:
        """By Regent."""
        return self._served

    def subscribe(self, hears: Hears) -> None:
        """Have it hear everything from now on, after those that subscribed before."""
        self._subscribers.append(hears)

    def talk_to(
        self,
        key: ResourceKey,
        passport: str,
        connect: Callable[[], RegentClient],
        group: asyncio.TaskGroup,
    ) -> None:
        """Talk to it from now on; anew where our own certificate is another one."""
        before = self._served.get(key)
        if before is not None and before.passport == passport:
            return
        client = connect()
        link = RegentLink(key, client, self.hear, self._prove)
        served = Served(client, link, passport, unreached_since=self._clock())
        if before is not None:
            self._end(before)
            link.go_on_from(before.link)
            served.status, served.trouble = before.status, before.trouble
            served.is_uninstalled = before.is_uninstalled
            served.meetings = before.meetings
        served.task = group.create_task(link.run())
        self._served[key] = served

    def leave(self, key: ResourceKey) -> None:
        """Talk to it no more."""
        served = self._served.pop(key, None)
        if served is not None:
            self._end(served)
            self._tell(Left(key))

    def end(self) -> None:
        """Talk to nobody any more, of which nobody hears."""
        while self._served:
            self._end(self._served.popitem()[1])

    def bound(self) -> dict[ResourceKey, frozenset[ResourceKey]]:
        """What the accepted state of each Regent lists; those that were met."""
        return {
            key: frozenset(map(ResourceKey.parse, known.resources))
            for key, served in self._served.items()
            if (known := served.link.acquaintance) is not None
        }

    def in_force(self) -> dict[ResourceKey, Mapping[str, Verifier]]:
        """The verifiers that each Regent has in force; those that were met."""
        return {
            key: known.verifiers
            for key, served in self._served.items()
            if (known := served.link.acquaintance) is not None
        }

    def meetings(self) -> dict[ResourceKey, int]:
        """Which meeting what is known of each is of; those that were met.

        Who was met since a state was compiled has news that it was compiled without: another one
        follows, and this one would take its passwords for unmanaged.
        """
        return {
            key: served.meetings
            for key, served in self._served.items()
            if served.link.acquaintance is not None
        }

    def push(self, key: ResourceKey, state: DesiredState) -> None:
        """Have this state accepted, where it was met."""
        served = self._served.get(key)
        if served and served.link.acquaintance is not None and not served.is_uninstalled:
            served.link.push(state)

    def is_told(self, key: ResourceKey, resource: ResourceKey) -> bool:
        """Whether what a Regent has accepted does not list the resource any more."""
        link = self._served[key].link
        known = link.acquaintance
        return known is not None and link.is_pushed and str(resource) not in known.resources

    def lists(self, resource: ResourceKey) -> bool:
        """Whether some Regent has accepted it, as far as was heard, and was told nothing else."""
        text = str(resource)
        return any(
            (known := served.link.acquaintance) is not None
            and text in known.resources
            and not served.is_uninstalled
            for served in self._served.values()
        )

    def reach(self, key: ResourceKey, resource: ResourceKey, role: str) -> Reach:
        """How far the end of a resource, which is `role` in PostgreSQL, has come on a Regent."""
        served = self._served[key]
        status, pushed = served.status, served.link.pushed_revision
        is_told = self.is_told(key, resource)
        return Reach(
            is_told=is_told,
            is_passed=has_passed(status, resource, pushed),
            is_braked=status is not None and withholds(status.brake, role),
            is_unapproved=status is not None and waits_for_approval(status.approval, resource),
            restraint=restraint_of(status, pushed, is_told=is_told),
            unreachable_seconds=self.unreachable_seconds(key),
            is_served_by_another=is_served_by_another(status),
            is_unmarked=is_told and is_unmarked(status, resource, pushed),
        )

    def hears(self, key: ResourceKey) -> bool:
        """Whether what this Regent says is of now, and of a server that it reaches."""
        served = self._served.get(key)
        return served is not None and served.is_heard

    def unreachable_seconds(self, key: ResourceKey) -> float:
        """For how long it has not been reached; 0 while it is."""
        served = self._served.get(key)
        since = served.unreached_since if served else None
        return 0.0 if since is None else self._clock() - since

    async def uninstall(self, key: ResourceKey) -> bool:
        """Have it take off what it installed; False where it could not be reached."""
        served = self._served.get(key)
        if served is None or served.is_uninstalled:
            return True
        try:
            done = await served.client.uninstall()
        except PostgRegentError as error:
            log.info("not uninstalled yet", regent=str(key), problem=str(error))
            return False
        served.is_uninstalled = True
        log.info("uninstalled", regent=str(key), done=done)
        return True

    def hear(self, heard: FromLink) -> None:
        """From a link: note it, and tell the subscribers. Of one that was left nothing is heard."""
        served = self._served.get(heard.regent)
        if served is None:
            return
        match heard:
            case Troubled(regent=regent, trouble=trouble):
                self._set_trouble(regent, served, trouble)
                return
            case Met(regent=regent):
                served.meetings += 1
                self._set_trouble(regent, served, None)
            case Took(regent=regent):
                self._set_trouble(regent, served, None)
            case Said(status=status):
                served.status = status
            case Drifted():
                pass
            case _:
                assert_never(heard)
        self._tell(heard)

    def _set_trouble(self, regent: ResourceKey, served: Served, trouble: NotReached | None) -> None:
        before, served.trouble = served.trouble, trouble
        if trouble is None or trouble.is_for_good:
            served.unreached_since = None
        elif served.unreached_since is None:
            served.unreached_since = self._clock()
        if before != trouble:
            self._tell(Changed(regent))

    def _tell(self, heard: Heard) -> None:
        for hears in self._subscribers:
            try:
                hears(heard)
            except Exception as error:  # noqa: BLE001 - it is noted, and the others hear
                self._note(heard.regent, error)

    @staticmethod
    def _end(served: Served) -> None:
        if served.task is not None:
            served.task.cancel()
