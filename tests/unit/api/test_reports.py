"""Status, drift, history, roles: bounded lists and bounded waits."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from regent.api.waiting import LongPolls
from tests.unit.api.memory_service import MemoryService


async def test_the_status_is_told_when_its_sequence_is_new_and_204_when_not(
    http: httpx.AsyncClient, service: MemoryService
) -> None:
    service.sequence = 7
    answer = await http.get("/v1/status", params={"after": 6})
    assert (answer.status_code, answer.json()["sequence"]) == (200, 7)
    assert (await http.get("/v1/status", params={"after": 7, "wait": 0.01})).status_code == 204


async def test_open_polls_end_when_the_regent_closes(
    http: httpx.AsyncClient, polls: LongPolls
) -> None:
    """Both would wait for a minute; the test's own timeout would end it before."""
    status = asyncio.create_task(http.get("/v1/status", params={"wait": 60}))
    history = asyncio.create_task(http.get("/v1/history", params={"wait": 60}))
    await asyncio.sleep(0.05)
    assert not status.done()
    polls.close()
    assert (await status).status_code == 204
    assert (await history).json() == {"items": []}


@pytest.mark.parametrize(
    "query",
    [
        "/v1/status?wait=61",
        "/v1/status?after=-1",
        "/v1/drift?limit=501",
        "/v1/drift?limit=0",
        "/v1/history?limit=many",
        f"/v1/history?after={2**63}",
    ],
)
async def test_a_parameter_out_of_bounds_is_a_problem_that_names_it(
    http: httpx.AsyncClient, query: str
) -> None:
    answer = await http.get(query)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    named = query.partition("?")[2].partition("=")[0]
    assert named in answer.json()["problems"][0]["field"]


async def test_a_list_is_read_page_by_page(http: httpx.AsyncClient, service: MemoryService) -> None:
    first = await http.get("/v1/drift", params={"limit": 2})
    assert first.json() == {"items": [], "continue": "more"}
    second = await http.get("/v1/drift", params={"limit": 2, "continue": "more"})
    assert second.json() == {"items": []}
    assert service.asked == [(2, None), (2, "more")]
    assert (await http.get("/v1/drift", params={"continue": "forged"})).status_code == 400


async def test_a_role_is_found_by_its_name_also_with_a_slash(http: httpx.AsyncClient) -> None:
    assert (await http.get("/v1/roles")).json()["items"][0]["name"] == "a/b"
    assert (await http.get("/v1/roles/a%2Fb")).json()["name"] == "a/b"
    unknown = await http.get("/v1/roles/nobody")
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "NotFound")
