"""What a Regent answers, read so that an odd answer is trouble of that one Regent.

Whatever answers at a Regent's address may be a proxy's page, another program, or a Regent that
somebody has taken over: its answers are bounded in size and time, and nothing that is not
understood goes further than this.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import PostgRegentError
from shared.http import (
    LARGEST_BODY_BYTES,
    PROBLEM_MEDIA_TYPE,
    HistoryPage,
    ProblemDetails,
    StatusBody,
)
from shared.keys import ResourceKey

LARGEST_ANSWER_BYTES = 2 * LARGEST_BODY_BYTES
BodyT = TypeVar("BodyT", bound=BaseModel)
HTTP_TROUBLE = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, RuntimeError)
"""What httpx raises; RuntimeError where its client was closed meanwhile."""


class RegentUnreachable(PostgRegentError):
    """The Regent does not answer."""


class UnexpectedAnswer(PostgRegentError):
    """The Regent answers something that this version does not understand."""

    def __init__(self, status: int, problem: ProblemDetails | None, odd: str = "") -> None:
        """`odd` says what is wrong with an answer that has the right status."""
        said = f"{problem.reason}: {problem.detail}" if problem else "no problem document"
        super().__init__(
            f"The Regent answered {status} ({odd or said}).",
            way_out=problem.way_out if problem else "Look at the Regent's log.",
        )
        self.status = status
        self.problem = problem


class StateBody(BaseModel):
    """As much of an accepted state as is needed: what it has entries for."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    resources: dict[str, Any] = {}


async def whole(answer: httpx.Response, seconds: float) -> httpx.Response:
    """The answer with its body, which must come within this time and not be endless."""
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise UnexpectedAnswer(answer.status_code, None, "encoded, which nobody asked for")
    async with asyncio.timeout(seconds):
        body = b"".join([chunk async for chunk in _bounded(answer)])
    return httpx.Response(answer.status_code, headers=answer.headers, content=body)


async def _bounded(answer: httpx.Response) -> AsyncIterator[bytes]:
    length = 0
    async for chunk in answer.aiter_raw():
        length += len(chunk)
        if length > LARGEST_ANSWER_BYTES:
            odd = f"more than {LARGEST_ANSWER_BYTES // 2**20} MiB"
            raise UnexpectedAnswer(answer.status_code, None, odd)
        yield chunk


def etag_of(answer: httpx.Response) -> str:
    """The etag without its quotes."""
    return str(answer.headers.get("ETag", "")).removeprefix('"').removesuffix('"')


def problem_of(answer: httpx.Response) -> ProblemDetails | None:
    """The problem document, where it is one."""
    if not answer.headers.get("Content-Type", "").startswith(PROBLEM_MEDIA_TYPE):
        return None
    try:
        return ProblemDetails.model_validate_json(answer.content)
    except ValidationError:
        return None


def expect(answer: httpx.Response, status: HTTPStatus) -> None:
    """Raise UnexpectedAnswer for any other status."""
    if answer.status_code != status:
        raise UnexpectedAnswer(answer.status_code, problem_of(answer))


def read(answer: httpx.Response, body: type[BodyT]) -> BodyT:
    """The body. Raises UnexpectedAnswer; pydantic's own error could quote what it was given."""
    expect(answer, HTTPStatus.OK)
    try:
        return body.model_validate_json(answer.content)
    except ValidationError:
        raise UnexpectedAnswer(answer.status_code, None, f"no {body.__name__}") from None


def read_resources(answer: httpx.Response) -> frozenset[str]:
    """The resources of an accepted state."""
    return frozenset(_keys(answer, read(answer, StateBody).resources))


def read_status(answer: httpx.Response) -> StatusBody:
    """A status that speaks of resources, at times that can be compared."""
    status = read(answer, StatusBody)
    _keys(answer, (one.resource for one in status.resources))
    _zoned(answer, (status.last_pass_time,))
    return status


def read_history(answer: httpx.Response) -> HistoryPage:
    """Drifts at times that can be compared."""
    page = read(answer, HistoryPage)
    for one in page.items:
        _zoned(answer, (one.found_at, one.happened_at, one.corrected_at))
    return page


def _keys(answer: httpx.Response, texts: Iterable[str]) -> list[str]:
    found = list(texts)
    try:
        for text in found:
            ResourceKey.parse(text)
    except ValueError:
        raise UnexpectedAnswer(answer.status_code, None, "names what is no resource") from None
    return found


def _zoned(answer: httpx.Response, times: Iterable[datetime | None]) -> None:
    if any(time is not None and time.tzinfo is None for time in times):
        raise UnexpectedAnswer(answer.status_code, None, "a time without its zone")
