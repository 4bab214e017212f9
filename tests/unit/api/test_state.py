"""Pushing a desired state, and reading back what is accepted of it."""

from __future__ import annotations

import gzip
import json

import httpx
import pytest

from shared.http import FieldProblem
from shared.state import REVEAL, DesiredState, Verifier, etag
from tests.unit.api.memory_service import MemoryService

FIRST = {"If-None-Match": "*"}


def body_of(state: DesiredState) -> bytes:
    return state.model_dump_json(by_alias=True, exclude_none=True, context=REVEAL).encode()


async def put(
    http: httpx.AsyncClient, content: bytes, headers: dict[str, str] | None = None
) -> httpx.Response:
    sent = {"Content-Type": "application/json", **(FIRST if headers is None else headers)}
    return await http.put("/v1/state", content=content, headers=sent)


async def test_a_first_push_is_stored_and_answered_with_its_etag(
    http: httpx.AsyncClient, service: MemoryService, desired: DesiredState
) -> None:
    answer = await put(http, body_of(desired))
    assert answer.status_code == 202
    assert answer.headers["ETag"] == f'"{etag(desired)}"'
    assert service.accepted is not None
    assert service.accepted.state == desired


async def test_a_push_that_is_sent_with_gzip_is_read(
    http: httpx.AsyncClient, service: MemoryService, desired: DesiredState
) -> None:
    answer = await put(http, gzip.compress(body_of(desired)), {**FIRST, "Content-Encoding": "gzip"})
    assert answer.status_code == 202
    assert service.accepted is not None
    assert service.accepted.state == desired


@pytest.mark.rule("17")
async def test_a_push_that_replaces_another_state_than_the_accepted_one_is_stale(
    http: httpx.AsyncClient, service: MemoryService, desired: DesiredState
) -> None:
    await put(http, body_of(desired))
    newer = desired.model_copy(update={"resources": {}})
    for headers in (FIRST, {"If-Match": '"another"'}):
        answer = await put(http, body_of(newer), headers)
        assert (answer.status_code, answer.json()["reason"]) == (412, "Stale")
    assert service.accepted is not None
    assert service.accepted.state == desired
    answer = await put(http, body_of(newer), {"If-Match": f'"{etag(desired)}"'})
    assert answer.status_code == 202


@pytest.mark.rule("17")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 428),
        ({"If-Match": '"a"', "If-None-Match": "*"}, 400),
        ({"If-Match": "*"}, 400),
        ({"If-Match": 'W/"a"'}, 400),
        ({"If-Match": '"a", "b"'}, 400),
        ({"If-None-Match": '"a"'}, 400),
    ],
)
async def test_a_push_without_one_clear_precondition_is_refused_with_the_way_out(
    http: httpx.AsyncClient, desired: DesiredState, headers: dict[str, str], status: int
) -> None:
    answer = await put(http, body_of(desired), headers)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["wayOut"]


@pytest.mark.rule("17")
async def test_every_problem_of_a_body_is_listed_and_no_value_is_shown(
    http: httpx.AsyncClient, service: MemoryService, desired: DesiredState
) -> None:
    """Unknown fields, a newer format and a broken verifier: three problems at once."""
    content = json.loads(body_of(desired))
    content["format"] = 2
    content["colour"] = "a-hidden-value"
    content["resources"]["User/default/intern"]["password"]["verifier"] = {"x": "a-hidden-value"}
    answer = await put(http, json.dumps(content).encode())
    assert answer.status_code == 422
    fields = {problem["field"] for problem in answer.json()["problems"]}
    assert {"format", "colour"} <= fields
    assert "resources.User/default/intern.password.verifier" in fields
    assert "a-hidden-value" not in answer.text
    assert service.accepted is None


@pytest.mark.rule("14")
async def test_a_rule_between_fields_is_reported_with_its_way_out(
    http: httpx.AsyncClient, desired: DesiredState
) -> None:
    content = json.loads(body_of(desired))
    content["resources"]["Permission/default/p"] = {
        "kind": "Permission",
        "spec": {"database": "mydb", "actions": ["CONNECT"], "schemas": ["a"], "tables": ["t"]},
    }
    answer = await put(http, json.dumps(content).encode())
    problems = answer.json()["problems"]
    assert any("actions" in problem["field"] and problem["wayOut"] for problem in problems)


async def test_what_the_regent_refuses_is_a_422_with_every_problem(
    http: httpx.AsyncClient, service: MemoryService, desired: DesiredState
) -> None:
    service.problems = (
        FieldProblem(field="a", message="one"),
        FieldProblem(field="b", message="two"),
    )
    answer = await put(http, body_of(desired))
    assert (answer.status_code, len(answer.json()["problems"])) == (422, 2)


@pytest.mark.rule("28a")
async def test_a_state_from_elsewhere_needs_a_takeover(
    http: httpx.AsyncClient, desired: DesiredState
) -> None:
    await put(http, body_of(desired))
    foreign = desired.model_copy(update={"origin": "another-cluster"})
    answer = await put(http, body_of(foreign), {"If-Match": f'"{etag(desired)}"'})
    assert (answer.status_code, answer.json()["reason"]) == (409, "TakeoverNeeded")


@pytest.mark.rule("28a")
async def test_a_takeover_is_accepted_by_its_token_only(
    http: httpx.AsyncClient, service: MemoryService
) -> None:
    service.needed_token = "abc"
    for token, status in (("abd", 409), ("abc", 202), ("abc", 409)):
        answer = await http.post("/v1/takeover/accept", json={"token": token})
        assert answer.status_code == status
    assert answer.json()["reason"] == "TokenMismatch"


async def test_the_accepted_state_shows_that_there_is_a_verifier_and_never_which(
    http: httpx.AsyncClient, desired: DesiredState
) -> None:
    assert (await http.get("/v1/state")).json()["reason"] == "NoState"
    pushed = await put(http, body_of(desired))
    answer = await http.get("/v1/state")
    assert answer.headers["ETag"] == pushed.headers["ETag"]
    assert answer.json()["resources"]["User/default/intern"]["password"]["verifier"] is True
    assert "canary" not in answer.text


async def test_the_verifiers_in_force_are_told_and_must_not_be_stored(
    http: httpx.AsyncClient, service: MemoryService, canary_verifier: Verifier
) -> None:
    service.in_force["User/default/intern"] = canary_verifier
    answer = await http.get("/v1/verifiers")
    assert answer.json() == {"verifiers": {"User/default/intern": canary_verifier.value}}
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_plan_is_made_of_the_pushed_state_or_of_the_accepted_one(
    http: httpx.AsyncClient, service: MemoryService, desired: DesiredState
) -> None:
    assert (await http.post("/v1/plan")).status_code == 404
    planned = await http.post(
        "/v1/plan", content=body_of(desired), headers={"Content-Type": "application/json"}
    )
    assert planned.json()["changes"][0]["what"] == "create role a"
    assert service.accepted is None
    await put(http, body_of(desired))
    assert (await http.post("/v1/plan")).status_code == 200
    assert service.asked == [desired, None]


async def test_a_pass_can_be_asked_for(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/reconcile")
    assert (answer.status_code, answer.json()) == (202, {"passId": "pass-1"})


@pytest.mark.rule("20")
async def test_the_brake_is_released_once_and_for_its_digest_only(
    http: httpx.AsyncClient, service: MemoryService
) -> None:
    service.withheld_digest = "abc"
    for digest, status in (("abd", 409), ("abc", 202), ("abc", 409)):
        answer = await http.post("/v1/brake/release", json={"digest": digest})
        assert answer.status_code == status
