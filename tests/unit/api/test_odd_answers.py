"""Whatever one Regent answers is trouble of that Regent: no other one, and no leader, feels it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from fastapi import FastAPI

from controller.regents import client as push
from controller.regents.client import RegentClient, RegentUnreachable, UnexpectedAnswer
from controller.regents.conversation import RegentLink
from controller.regents.heard import FromLink, Said, Troubled
from shared.errors import PostgRegentError
from shared.http import DetectorBody, StatusBody
from shared.keys import ResourceKey
from shared.state import DesiredState
from tests.eventually import eventually
from tests.unit.api.memory_service import MemoryService

pytestmark = pytest.mark.found("B20")
STATUS = StatusBody(sequence=1, detector=DetectorBody(mode="None", healthy=False))
JSON = {"Content-Type": "application/json"}


def status_with(**changes: object) -> bytes:
    return json.dumps({**STATUS.model_dump(mode="json", by_alias=True), **changes}).encode()


class Endless(httpx.AsyncByteStream):
    """A body that goes on for ever."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b" " * 2**20


class Dripping(httpx.AsyncByteStream):
    """A body of which one byte comes, and then nothing."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()


OUTCOME = {"resource": "x", "generation": 1, "state": "Ready", "reason": "a", "message": "b"}
ODD: dict[str, Callable[[], httpx.Response]] = {
    "a proxy's page": lambda: httpx.Response(200, html="<h1>Welcome</h1>"),
    "half of it": lambda: httpx.Response(200, headers=JSON, content=b'{"resources": {"Role/de'),
    "a list": lambda: httpx.Response(200, json=[]),
    "another type": lambda: httpx.Response(200, json={"resources": 3, "sequence": {}}),
    "a key that is none": lambda: httpx.Response(200, json={"resources": {"no key": 1}}),
    "an outcome of nothing": lambda: httpx.Response(
        200, headers=JSON, content=status_with(resources=[OUTCOME])
    ),
    "a time without zone": lambda: httpx.Response(
        200, headers=JSON, content=status_with(lastPassTime="2026-06-01T12:00:00")
    ),
    "too deep": lambda: httpx.Response(200, headers=JSON, content=b"[" * 100_000),
    "too much": lambda: httpx.Response(200, headers=JSON, stream=Endless()),
    "a drip": lambda: httpx.Response(200, headers=JSON, stream=Dripping()),
    "elsewhere": lambda: httpx.Response(302, headers={"Location": "http://169.254.169.254/"}),
    "encoded": lambda: httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Endless()),
    "not HTTP": lambda: (_ for _ in ()).throw(httpx.RemoteProtocolError("x")),
    "a wrong encoding": lambda: (_ for _ in ()).throw(httpx.DecodingError("x")),
}


ONLY = {"a key that is none": "state", "an outcome of nothing": "status"} | {
    "a time without zone": "status"
}


@pytest.mark.parametrize("odd", ODD)
async def test_an_odd_answer_is_an_error_of_ours(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is caught where the conversation is, and said of that Regent."""
    monkeypatch.setattr(push, "LONGEST_SECONDS", 0.05)
    transport = httpx.MockTransport(lambda _request: ODD[odd]())
    asked = ("state", "status", "verifiers", "history", "drift")
    async with RegentClient("http://regent", "token", transport=transport) as client:
        for name in [ONLY[odd]] if odd in ONLY else asked:
            with pytest.raises((UnexpectedAnswer, RegentUnreachable)):
                await getattr(client, name)()


async def test_a_client_that_was_closed_meanwhile_is_an_error_of_ours() -> None:
    """A question in the background may outlive the link that it was asked over."""
    client = RegentClient(
        "http://regent", None, transport=httpx.MockTransport(lambda _: ODD["a list"]())
    )
    await client.close()
    with pytest.raises(PostgRegentError):
        await client.drift()


class Hears:
    """Counts troubles; what it hears of a status is more than it can take."""

    def __init__(self) -> None:
        self.troubles: list[str] = []

    def hear(self, heard: FromLink) -> None:
        if isinstance(heard, Said) and heard.regent.name == "odd":
            raise ZeroDivisionError
        if isinstance(heard, Troubled):
            self.troubles.append(heard.trouble.message)


async def test_what_nobody_thought_of_is_trouble_of_that_regent_too(
    app: FastAPI, token: str, service: MemoryService, desired: DesiredState
) -> None:
    """The conversation begins again, beside one that goes on."""
    service.sequence = 1
    odd, fine = Hears(), Hears()
    links = [
        RegentLink(
            ResourceKey("Regent", "default", name),
            RegentClient("http://regent", token, transport=httpx.ASGITransport(app)),
            hears.hear,
        )
        for name, hears in (("odd", odd), ("my-regent", fine))
    ]

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            for link in links:
                group.create_task(link.run())

    async def it_goes_on() -> bool:
        links[1].push(desired)
        said = sum("ZeroDivisionError" in text for text in odd.troubles)
        return said >= 2 and links[1].is_pushed

    task = asyncio.create_task(both())
    try:
        await eventually(it_goes_on)
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait([task])
