"""Health and metrics: for kubelets and Prometheus, without a token, and nothing about roles."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Response

from regent.api.problems import ProblemError
from regent.service import Service
from shared.http import HealthBody

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def health_routes(service: Service, metrics: Callable[[], bytes] | None) -> APIRouter:
    """`livez`, `readyz`, and `metrics` where there are some."""
    router = APIRouter(tags=["health"])

    @router.get(
        "/livez",
        response_model=HealthBody,
        summary="The loop turns",
        responses={503: {"description": "It does not; restart it."}},
    )
    async def get_livez() -> HealthBody:
        if not service.health().live:
            raise ProblemError(503, "NotReady", "The loop does not turn.")
        return HealthBody(ok=True)

    @router.get(
        "/readyz",
        response_model=HealthBody,
        summary="Home database reachable, lock held, connected",
        responses={503: {"description": "Not yet, or not any more; `detail` names what fails."}},
    )
    async def get_readyz() -> HealthBody:
        health = service.health()
        if not health.ready:
            failing = sorted(name for name, holds in health.checks.items() if not holds)
            raise ProblemError(503, "NotReady", f"Not ready: {', '.join(failing) or 'the loop'}.")
        return HealthBody(ok=True, checks=dict(health.checks))

    if metrics is not None:

        @router.get("/metrics", response_class=Response, summary="Prometheus' text format")
        async def get_metrics() -> Response:
            return Response(metrics(), media_type=METRICS_TYPE)

    return router
