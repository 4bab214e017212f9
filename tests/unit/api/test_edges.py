"""The outer edges of the API: tokens, sizes, crashes, health."""

from __future__ import annotations

import gzip

import httpx
import pytest
from fastapi import FastAPI

from regent.api.app import create_app
from tests.unit.api.memory_service import MemoryService

PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", "Basic YTpi", "Bearer a-token-of-the-testsX"]
)
async def test_without_the_token_nothing_of_v1_is_answered(
    app: FastAPI, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://regent", headers=headers
    ) as stranger:
        for path in ("/v1/state", "/v1/verifiers", "/v1/nothing", "/openapi.json", "/docs", "/"):
            answer = await stranger.get(path)
            assert (answer.status_code, answer.headers["Content-Type"]) == (401, PROBLEM)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_health_and_metrics_need_no_token(app: FastAPI, service: MemoryService) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://regent"
    ) as stranger:
        assert (await stranger.get("/livez")).status_code == 200
        assert (await stranger.get("/readyz")).json()["checks"] == service.checks
        assert "postgregent_pass_seconds" in (await stranger.get("/metrics")).text
        service.checks["lock"] = False
        answer = await stranger.get("/readyz")
        assert (answer.status_code, answer.json()["detail"]) == (503, "Not ready: lock.")
        assert (await stranger.get("/livez")).status_code == 200
        service.live = False
        assert (await stranger.get("/livez")).status_code == 503


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/nothing", 404), ("DELETE", "/v1/state", 405), ("GET", "/openapi.json", 404)],
)
async def test_the_frameworks_own_errors_are_problems_too(
    http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await http.request(method, path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM)
    assert answer.json()["type"].startswith("urn:postgregent:problem:")


async def test_a_crash_is_a_problem_that_tells_nothing(
    http: httpx.AsyncClient, service: MemoryService
) -> None:
    service.crash = RuntimeError("PASSWORD 'canary'")
    state = {
        "origin": "directory",
        "revision": 1,
        "regent": {
            "namespace": "default",
            "name": "r",
            "spec": {
                "adminUser": "a",
                "adminPasswordSecretRef": {"name": "s", "key": "k"},
                "databaseHost": "h",
                "databaseName": "d",
            },
        },
    }
    answer = await http.put("/v1/state", json=state, headers={"If-None-Match": "*"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, PROBLEM)
    assert "canary" not in answer.text


@pytest.mark.parametrize(
    ("content", "encoding", "status"),
    [
        (b"x" * 2000, None, 413),
        (gzip.compress(b"x" * 2000, mtime=0), "gzip", 413),
        (b"not gzip", "gzip", 400),
        (gzip.compress(b"{}", mtime=0)[:-3], "gzip", 400),
        (gzip.compress(b"{}", mtime=0) * 2, "gzip", 400),
        (b"{}", "br", 415),
        (b"{", None, 422),
        (b"", None, 422),
        (b"\xff", None, 400),
    ],
)
async def test_a_body_too_long_or_not_readable_is_refused(
    service: MemoryService, content: bytes, encoding: str | None, status: int
) -> None:
    """Bounded as sent and as inflated: a small gzip stream may hide gigabytes."""
    app = create_app(service, token=None, largest_body=1000)
    headers = {"If-None-Match": "*", "Content-Type": "application/json"}
    if encoding:
        headers["Content-Encoding"] = encoding
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://regent"
    ) as client:
        answer = await client.put("/v1/state", content=content, headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM)
    assert service.accepted is None
