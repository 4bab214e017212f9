"""The controller's own small API: health and metrics in the clear, views for whoever may see them.

`/livez`, `/readyz` and `/metrics` say nothing about roles. The views over all Regents are served
with TLS only, and ask Kubernetes who somebody is and whether he may read that Regent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Header, Query, Request
from fastapi.responses import JSONResponse, Response

from controller.gateway.authorization import Gatekeeper, Refused
from controller.gateway.problems import problem
from controller.gateway.views import Views
from shared.errors import PostgRegentError

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Body = dict[str, Any]


def create_health_app(ready: Callable[[], str], metrics: Callable[[], bytes]) -> FastAPI:
    """`ready` says what is missing, or nothing. A standby is ready too: it can take over."""
    app = FastAPI(title="PostgRegent controller", openapi_url=None, redirect_slashes=False)

    @app.get("/livez")
    async def livez() -> Body:
        return {"ok": True}

    @app.get("/readyz")
    async def readyz() -> Response:
        if why := ready():
            return problem(503, "NotReady", why)
        return JSONResponse({"ok": True})

    @app.get("/metrics")
    async def read_metrics() -> Response:
        return Response(metrics(), media_type=METRICS_TYPE)

    return app


def create_views_app(views: Views, gatekeeper: Gatekeeper) -> FastAPI:
    """Read-only: which Regents there are, and what each says."""
    app = FastAPI(title="PostgRegent controller", openapi_url=None, redirect_slashes=False)

    @app.exception_handler(PostgRegentError)
    async def refuse(_request: Request, error: Exception) -> Response:
        if isinstance(error, Refused):
            return problem(error.status, error.reason, str(error))
        return problem(503, "NotReady", str(error))

    @app.get("/v1/regents")
    async def regents(authorization: str = Header("")) -> Body:
        who = await gatekeeper.who(authorization)
        seen = [
            one
            for one in views.regents()
            if await gatekeeper.may_read(who, one["namespace"], one["name"])
        ]
        return {"items": seen}

    @app.get("/v1/regents/{namespace}/{name}")
    async def regent(namespace: str, name: str, authorization: str = Header("")) -> Body:
        await gatekeeper.require(authorization, namespace, name)
        return views.regent(namespace, name)

    @app.get("/v1/regents/{namespace}/{name}/drift")
    async def drift(namespace: str, name: str, authorization: str = Header("")) -> Body:
        await gatekeeper.require(authorization, namespace, name)
        return await views.drift(namespace, name)

    @app.get("/v1/regents/{namespace}/{name}/history")
    async def history(
        namespace: str,
        name: str,
        authorization: str = Header(""),
        after: int = Query(0, ge=0),
    ) -> Body:
        await gatekeeper.require(authorization, namespace, name)
        return await views.history(namespace, name, after)

    return app
