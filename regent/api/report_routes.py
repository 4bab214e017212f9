"""What a Regent reports: outcomes, drift, history, roles."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query, Response

from regent.api.large_bodies import written
from regent.api.problems import ProblemError
from regent.api.waiting import LongPolls
from regent.service import Service
from shared.http import (
    LONGEST_PAGE,
    LONGEST_WAIT_SECONDS,
    DriftPage,
    HistoryPage,
    RoleBody,
    RolePage,
    StatusBody,
    UnmanagedPage,
)
from shared.state import LARGEST_NUMBER

After = Annotated[
    int,
    Query(ge=0, le=LARGEST_NUMBER, description="The last sequence or id already seen."),
]
Wait = Annotated[
    float,
    Query(ge=0, le=LONGEST_WAIT_SECONDS, description="Seconds to wait for something new."),
]
Limit = Annotated[int, Query(ge=1, le=LONGEST_PAGE, description="Longest page.")]
Continue = Annotated[
    str | None,
    Query(alias="continue", max_length=512, description="`continue` of the page before."),
]
PageT = TypeVar("PageT")


def report_routes(service: Service, polls: LongPolls) -> APIRouter:
    """Everything that reads and changes nothing."""
    router = APIRouter(prefix="/v1", tags=["reports"])

    @router.get(
        "/status",
        response_model=StatusBody,
        response_model_exclude_none=True,
        summary="The latest outcome of each resource, once there is something new",
        responses={204: {"description": "Nothing is new; ask again."}},
    )
    async def get_status(after: After = 0, wait: Wait = 0) -> Response:
        status = await polls.answer(service.status(after=after, wait_seconds=wait))
        return Response(status_code=204) if status is None else written(status)

    @router.get(
        "/drift",
        response_model=DriftPage,
        response_model_exclude_none=True,
        summary="What is not as declared now",
    )
    async def get_drift(limit: Limit = LONGEST_PAGE, continue_: Continue = None) -> DriftPage:
        return await _page(service.drift(limit=limit, continue_=continue_))

    @router.get(
        "/history",
        response_model=HistoryPage,
        response_model_exclude_none=True,
        summary="What was found and corrected, oldest first",
    )
    async def get_history(
        after: After = 0, wait: Wait = 0, limit: Limit = LONGEST_PAGE
    ) -> HistoryPage:
        poll = service.history(after=after, wait_seconds=wait, limit=limit)
        return await polls.answer(poll) or HistoryPage()

    @router.get(
        "/unmanaged",
        response_model=UnmanagedPage,
        response_model_exclude_none=True,
        summary="The roles that may log in though nobody declares them",
    )
    async def get_unmanaged(
        limit: Limit = LONGEST_PAGE, continue_: Continue = None
    ) -> UnmanagedPage:
        return await _page(service.unmanaged(limit=limit, continue_=continue_))

    @router.get(
        "/roles",
        response_model=RolePage,
        response_model_exclude_none=True,
        summary="The roles in this Regent's authority",
    )
    async def get_roles(limit: Limit = LONGEST_PAGE, continue_: Continue = None) -> RolePage:
        return await _page(service.roles(limit=limit, continue_=continue_))

    @router.get(
        "/roles/{name:path}",
        response_model=RoleBody,
        response_model_exclude_none=True,
        summary="One role: what it holds, and which resources say so",
        responses={404: {"description": "NotFound: not in this Regent's authority."}},
    )
    async def get_role(name: str) -> RoleBody:
        role = await service.role(name)
        if role is None:
            raise ProblemError(
                404,
                "NotFound",
                f"No role {name!r} is in this Regent's authority.",
                "GET /v1/roles lists those that are.",
            )
        return role

    return router


async def _page(page: Awaitable[PageT]) -> PageT:
    try:
        return await page
    except ValueError:
        raise ProblemError(
            400,
            "HttpError",
            "`continue` is not what a page before said.",
            "Begin again without `continue`.",
        ) from None
