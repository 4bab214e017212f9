"""What the controller says to a Regent, by the real API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

import httpx
import pytest
from fastapi import FastAPI

from controller.kube.lease import NotLeader
from controller.regents.client import RegentClient
from controller.regents.conversation import (
    LOST_WAIT_SECONDS,
    WAIT_SECONDS,
    RegentLink,
    is_alone,
)
from controller.regents.heard import FromLink, Met
from regent.answers import AcceptedPush
from regent.health.board import STARTING, Board
from shared.consent import Consent
from shared.http import DetectorBody, StatusBody
from shared.keys import ResourceKey
from shared.state import DesiredState, etag
from tests.eventually import eventually
from tests.unit.api.memory_service import MemoryService

pytestmark = pytest.mark.rule("28a")


class Heard:
    """Remembers what was said last."""

    def __init__(self) -> None:
        self.is_met = False

    def hear(self, heard: FromLink) -> None:
        self.is_met |= isinstance(heard, Met)


@asynccontextmanager
async def linked(
    app: FastAPI, token: str, prove: Callable[[], Awaitable[None]] = is_alone
) -> AsyncIterator[RegentLink]:
    """A link that has met its Regent."""
    client = RegentClient("http://regent", token, transport=httpx.ASGITransport(app))
    heard = Heard()
    link = RegentLink(ResourceKey("Regent", "default", "my-regent"), client, heard.hear, prove)
    task = asyncio.create_task(link.run())

    async def is_met() -> bool:
        return heard.is_met

    try:
        await eventually(is_met)
        yield link
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_what_is_accepted_already_is_pushed_once_more_where_another_push_was_refused(
    app: FastAPI, token: str, service: MemoryService, desired: DesiredState
) -> None:
    """A leader whose cache was behind has left the Regent in doubt; nothing else would end it."""
    service.accepted = AcceptedPush(etag(desired), desired)
    service.needed_token = "abc"
    service.sequence = 1
    async with linked(app, token) as link:
        link.push(desired)

        async def is_pushed() -> bool:
            return service.pushes == 1 and link.is_pushed

        await eventually(is_pushed)
        assert service.had_state is None


async def test_what_is_accepted_already_is_not_pushed_where_nobody_doubts(
    app: FastAPI, token: str, service: MemoryService, desired: DesiredState
) -> None:
    service.accepted = AcceptedPush(etag(desired), desired)
    async with linked(app, token) as link:
        link.push(desired)

        async def is_pushed() -> bool:
            return link.is_pushed

        await eventually(is_pushed)
        assert service.pushes == 0


async def test_a_takeover_is_accepted_as_soon_as_it_is_the_one_that_is_needed(
    app: FastAPI, token: str, service: MemoryService, desired: DesiredState
) -> None:
    service.accepted = AcceptedPush(etag(desired), desired)
    service.needed_token, service.sequence = "abc", 1
    async with linked(app, token) as link:
        link.pass_on([Consent("Takeover", "another")])
        link.pass_on([Consent("Takeover", "abc")])

        async def is_accepted() -> bool:
            return service.needed_token is None

        await eventually(is_accepted)


async def test_a_first_push_says_what_was_remembered_or_was_seen_since(
    app: FastAPI, token: str, service: MemoryService, desired: DesiredState
) -> None:
    """A Regent that forgets its state while it runs is met anew."""
    async with linked(app, token) as link:
        link.remember("7412")
        link.push(desired)

        async def is_pushed() -> bool:
            return service.pushes == 1 and link.is_pushed

        await eventually(is_pushed)
        assert service.had_state == "7412"
        service.accepted, service.had_state = None, None
        service.sequence += 1

        async def is_met_anew() -> bool:
            return link.acquaintance is not None and link.acquaintance.etag is None

        await eventually(is_met_anew)
        link.push(desired)

        async def is_pushed_anew() -> bool:
            return service.pushes == 2 and link.is_pushed

        await eventually(is_pushed_anew)
        assert service.had_state == "7412"


@pytest.mark.found("E400")
@pytest.mark.rule("20a")
async def test_each_later_push_says_what_was_in_force_and_not_what_waited(
    app: FastAPI, token: str, service: MemoryService, desired: DesiredState
) -> None:
    """It is the newest on that server, also where an older one is in force by now."""
    async with linked(app, token) as link:
        service.identifier = "7412"
        for service.applied, service.is_waiting in ((7_000, False), (9_000, True), (5_000, False)):
            service.sequence += 1

            async def is_heard(sequence: int = service.sequence) -> bool:
                return service.heard == sequence

            await eventually(is_heard)
        for name in ("a", "b"):
            link.push(desired.model_copy(update={"deleted": (f"Role/default/{name}",)}))

            async def is_pushed() -> bool:
                return link.is_pushed

            await eventually(is_pushed)
        assert service.had_in_force == ("7412", 7_000)
        assert service.accepted is not None
        assert service.accepted.state.revision > 7_000, "newer than all that was in force"


@pytest.mark.rule("27")
async def test_the_same_said_again_leaves_what_was_told_as_told(
    app: FastAPI, token: str, service: MemoryService, desired: DesiredState
) -> None:
    """While a deletion waits, the same is compiled twice a second; it must not begin anew."""
    async with linked(app, token) as link:
        link.push(desired)

        async def is_pushed() -> bool:
            return link.is_pushed

        await eventually(is_pushed)
        link.push(desired.model_copy(update={"revision": desired.revision + 1}))
        assert await is_pushed()
        link.push(desired.model_copy(update={"deleted": ("Role/default/x",)}))
        assert not await is_pushed()
        await eventually(is_pushed)
        assert service.pushes == 2


def replaced(service: MemoryService, by: DesiredState) -> None:
    """What is accepted is another one, and nobody whom the link knows has pushed it."""
    service.accepted = AcceptedPush(etag(by), by)
    service.sequence += 1


@pytest.mark.found("E120")
@pytest.mark.rule("17")
@pytest.mark.parametrize("other", [{"deleted": ("Role/default/x",)}, {}])
async def test_one_that_goes_by_another_state_is_pushed_to_anew(
    app: FastAPI,
    token: str,
    service: MemoryService,
    desired: DesiredState,
    other: dict[str, object],
) -> None:
    """Its server is back as it was before, or somebody has run `apply`; also A, B and A again."""
    newer = desired.model_copy(update={"revision": 7})
    async with linked(app, token) as link:
        link.push(newer)

        async def is_pushed() -> bool:
            return link.is_pushed and service.accepted is not None

        await eventually(is_pushed)
        assert not link.is_behind
        replaced(service, desired.model_copy(update={"revision": 1, **other}))

        async def is_met_anew() -> bool:
            return link.is_behind and link.acquaintance is not None

        await eventually(is_met_anew)
        assert not link.is_pushed
        link.push(newer)
        await eventually(is_pushed)
        assert (service.pushes, service.accepted) == (2, AcceptedPush(etag(newer), newer))

        async def is_seen() -> bool:
            return not link.is_behind

        service.applied, service.sequence = 7, service.sequence + 1
        await eventually(is_seen)


@pytest.mark.found("E126")
async def test_what_is_pushed_is_newer_than_what_is_accepted(
    app: FastAPI, token: str, service: MemoryService, desired: DesiredState
) -> None:
    """A clock that went back must not keep a leader from being heard."""
    other = desired.model_copy(update={"revision": 50, "deleted": ("Role/default/x",)})
    replaced(service, other)
    async with linked(app, token) as link:
        link.push(desired)

        async def is_pushed() -> bool:
            return link.is_pushed

        await eventually(is_pushed)
        assert service.accepted is not None
        assert service.accepted.state.revision == link.pushed_revision == 51


class Asked:
    """A Regent without a connection at first; remembers for how long it was waited for."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def status(self, *, after: int = 0, wait_seconds: float = 0) -> StatusBody | None:
        self.waits.append(wait_seconds)
        if len(self.waits) > 2:
            await asyncio.Event().wait()
        lost = STARTING if after == 0 else None
        return StatusBody(
            sequence=after + 1, trouble=lost, detector=DetectorBody(mode="None", healthy=False)
        )


@pytest.mark.found("E52")
async def test_one_without_a_connection_is_asked_again_soon() -> None:
    """The process that answers may be on its way out, and another one be there already."""
    asked = Asked()
    key = ResourceKey("Regent", "default", "my-regent")
    link = RegentLink(key, cast(RegentClient, asked), Heard().hear)
    following = asyncio.create_task(link._follow_status())

    async def is_asked() -> bool:
        return len(asked.waits) == 3

    try:
        await eventually(is_asked)
    finally:
        following.cancel()
        await asyncio.wait([following])
    assert asked.waits == [WAIT_SECONDS, LOST_WAIT_SECONDS, WAIT_SECONDS]


@pytest.mark.found("E52")
def test_no_two_processes_begin_with_one_number() -> None:
    """Who waited for news of the one before would take the next one's for what is known."""
    assert Board().status.sequence != Board().status.sequence


@pytest.mark.found("E193")
@pytest.mark.rule("17")
@pytest.mark.parametrize("leads", [True, False], ids=["it leads on", "another one leads"])
async def test_what_the_next_leader_pushed_is_replaced_by_no_leader_of_before(
    app: FastAPI, token: str, service: MemoryService, desired: DesiredState, leads: bool
) -> None:
    """One that was paused, and its clock with it, compiles again and asks what it would replace."""
    asked: list[AcceptedPush | None] = []

    async def prove() -> None:
        asked.append(service.accepted)
        if service.accepted is not None and service.accepted.etag == etag(newer) and not leads:
            raise NotLeader

    newer = desired.model_copy(update={"revision": 5000, "resources": {}})
    older = desired.model_copy(update={"revision": 100})
    async with linked(app, token, prove) as link:

        async def is_accepted() -> bool:
            return service.accepted is not None and link.is_pushed

        async def has_asked_again() -> bool:
            return [push and push.etag for push in asked].count(etag(newer)) >= (1 if leads else 3)

        link.push(older)
        await eventually(is_accepted)
        service.accepted = AcceptedPush(etag(newer), newer)
        service.sequence += 1
        await eventually(has_asked_again)
        if leads:
            link.push(older)
            await eventually(is_accepted)
        assert link.acquaintance is None or leads
        assert (service.accepted.etag == etag(newer)) is not leads
