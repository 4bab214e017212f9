"""The FastAPI application of one Regent."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

from regent.api.bearer import BearerToken
from regent.api.bodies import BoundedBody
from regent.api.health_routes import health_routes
from regent.api.large_bodies import Legible
from regent.api.problems import install_problem_handlers
from regent.api.report_routes import report_routes
from regent.api.state_routes import state_routes
from regent.api.waiting import LongPolls
from regent.service import Service
from shared.http import LARGEST_BODY_BYTES


def create_app(
    service: Service,
    *,
    token: str | None,
    metrics: Callable[[], bytes] | None = None,
    polls: LongPolls | None = None,
    largest_body: int = LARGEST_BODY_BYTES,
) -> FastAPI:
    """Everything under `/v1` behind the token, health and metrics without it.

    token None leaves the check to whoever ends the TLS (docs/architecture.md). Call `polls.close()`
    before the server is told to stop: it waits for open requests.
    """
    app = FastAPI(
        title="PostgRegent Regent",
        summary="Keeps the roles and privileges of one PostgreSQL server as declared.",
        version="v1",
        openapi_url=None,
        redirect_slashes=False,
        default_response_class=Legible,
    )
    install_problem_handlers(app)
    app.include_router(state_routes(service))
    app.include_router(report_routes(service, LongPolls() if polls is None else polls))
    app.include_router(health_routes(service, metrics))
    app.add_middleware(BoundedBody, largest=largest_body)
    if token is not None:
        app.add_middleware(BearerToken, token=token)
    return app


def create_health_app(service: Service, metrics: Callable[[], bytes] | None) -> FastAPI:
    """Health and metrics alone, for a port that has no TLS: nothing about roles."""
    app = FastAPI(title="PostgRegent Regent", openapi_url=None, redirect_slashes=False)
    install_problem_handlers(app)
    app.include_router(health_routes(service, metrics))
    return app
