"""Every answer that is not the one asked for is an RFC 9457 problem, FastAPI's own included."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from regent.answers import (
    DigestMismatch,
    InRecovery,
    NotReady,
    Refused,
    Stale,
    TakeoverNeeded,
    TokenMismatch,
)
from shared.censor import censor_text
from shared.errors import PostgRegentError
from shared.http import PROBLEM_MEDIA_TYPE, PROBLEM_TYPES, FieldProblem, ProblemDetails, Reason
from shared.json_text import json_text
from shared.keys import KINDS

log = structlog.stdlib.get_logger(__name__)

_EXPECTED: tuple[tuple[type[PostgRegentError], int, Reason], ...] = (
    (Stale, 412, "Stale"),
    (Refused, 422, "Refused"),
    (TakeoverNeeded, 409, "TakeoverNeeded"),
    (InRecovery, 409, "InRecovery"),
    (NotReady, 503, "NotReady"),
    (DigestMismatch, 409, "DigestMismatch"),
    (TokenMismatch, 409, "TokenMismatch"),
)
_VALIDATOR = re.compile(r"(is-instance|function-\w+)\[")
_OF_STATUS: Mapping[int, Reason] = {401: "Unauthorized", 404: "NotFound", 413: "TooLarge"}


class ProblemError(PostgRegentError):
    """An answer that a route decides on."""

    def __init__(self, status: int, reason: Reason, detail: str, way_out: str = "") -> None:
        super().__init__(detail, way_out=way_out)
        self.status = status
        self.reason = reason


def problem(
    status: int,
    reason: Reason,
    detail: str = "",
    way_out: str = "",
    *,
    problems: Iterable[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response. Texts are censored: a library's message may quote what it was given."""
    body = ProblemDetails(
        type=PROBLEM_TYPES + reason,
        title=HTTPStatus(status).phrase,
        status=status,
        reason=reason,
        detail=censor_text(detail),
        way_out=censor_text(way_out),
        problems=tuple(problems),
    )
    return Response(
        json_text(body, by_alias=True, exclude_defaults=True),
        status_code=status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error of this app a problem."""
    for kind, status, reason in _EXPECTED:
        app.add_exception_handler(kind, _expected_handler(status, reason))
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_crash)


def _expected_handler(status: int, reason: Reason) -> Any:
    async def answer(_request: Request, error: PostgRegentError) -> Response:
        return problem(
            status, reason, error.message, error.way_out, problems=getattr(error, "problems", ())
        )

    return answer


async def _on_problem(_request: Request, error: Exception) -> Response:
    if not isinstance(error, ProblemError):
        raise error
    return problem(error.status, error.reason, error.message, error.way_out)


async def _on_invalid(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return problem(
        422,
        "Refused",
        "The request is not what this endpoint takes.",
        "Correct every problem that is listed.",
        problems=field_problems(error.errors()),
    )


async def _on_http(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    reason = _OF_STATUS.get(error.status_code, "HttpError")
    return problem(error.status_code, reason, str(error.detail), headers=error.headers)


async def _on_crash(request: Request, error: Exception) -> Response:
    log.error("request failed", method=request.method, path=request.url.path, exc_info=error)
    return problem(500, "InternalError", "The Regent failed at this; its log says where.")


def field_problems(errors: Sequence[Any]) -> list[FieldProblem]:
    """The errors of pydantic as ours: where and why, never the value; one for each field."""
    found = [problem for error in errors for problem in _of_one(error)]
    return list({(problem.field, problem.way_out): problem for problem in found}.values())


def _of_one(error: Mapping[str, Any]) -> Iterable[FieldProblem]:
    where = _written(error["loc"])
    context = error.get("ctx") or {}
    if breaches := context.get("breaches"):
        for breach in breaches:
            yield FieldProblem(
                field=_dotted((*where, *breach.path)),
                message=censor_text(breach.message),
                way_out=censor_text(breach.way_out),
            )
        return
    yield FieldProblem(
        field=_dotted(where),
        message=censor_text(error["msg"]),
        way_out=censor_text(str(context.get("way_out", ""))),
    )


def _written(where: Sequence[str | int]) -> tuple[str | int, ...]:
    """Only what the sender wrote: no names of validators, none of a union's branch."""
    kept: list[str | int] = []
    for part in where[1:] if where[:1] == ("body",) else where:
        is_branch = part in KINDS and bool(kept) and "/" in str(kept[-1])
        if not is_branch and not _VALIDATOR.match(str(part)):
            kept.append(part)
    return tuple(kept)


def _dotted(where: Sequence[str | int]) -> str:
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".") or "(body)"
