"""Answers of the API server: what is in them, and what is wrong with them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TypeAlias

import aiohttp
import msgspec

from controller.kube.errors import malformed, refusal, timed_out, unreachable
from controller.kube.kinds import JsonObject, Kind
from controller.kube.stream import NotAWatch

Objects: TypeAlias = list[JsonObject]


@contextlib.contextmanager
def as_api_errors(path: str, seconds: float) -> Iterator[None]:
    """What the network does becomes an ApiError without an answer."""
    try:
        yield
    except TimeoutError as problem:
        raise timed_out(path, seconds) from problem
    except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as problem:
        raise unreachable(path, problem) from problem
    except NotAWatch as problem:
        raise malformed(path, str(problem)) from problem


async def refuse(kind: Kind, path: str, answer: aiohttp.ClientResponse) -> None:
    """Raise what an answer that is not a 2xx means."""
    if not 200 <= answer.status < 300:
        body = await answer.read()
        raise refusal(kind, path, answer.status, body, answer.headers.get("Retry-After"))


def object_in(said: bytes, path: str) -> JsonObject:
    """The object that the server sent."""
    try:
        read = msgspec.json.decode(said)
    except msgspec.DecodeError as problem:
        raise malformed(path, f"not JSON: {problem}") from problem
    if not isinstance(read, dict):
        raise malformed(path, "not an object")
    return read


def items(page: JsonObject, path: str) -> Objects:
    """A list's items; what has none is no empty list but another server's answer."""
    found = page.get("items", page)
    if found is None:
        return []
    if not isinstance(found, list):
        raise malformed(path, "a list without items")
    return found


def version(page: JsonObject, path: str) -> str:
    """The moment of a list, to watch from."""
    found = _metadata(page).get("resourceVersion")
    if not found:
        raise malformed(path, "a list without metadata.resourceVersion")
    return str(found)


def more_after(page: JsonObject) -> str:
    """Where the next page begins; empty: this was the last."""
    return str(_metadata(page).get("continue") or "")


def _metadata(page: JsonObject) -> JsonObject:
    found = page.get("metadata")
    return found if isinstance(found, dict) else {}
