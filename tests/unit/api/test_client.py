"""The controller's client against the real API."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from controller.regents.client import (
    Accepted,
    PushAnswer,
    Refused,
    RegentClient,
    RegentUnreachable,
    Stale,
    TakeoverNeeded,
    UnexpectedAnswer,
)
from shared.consent import CONSENT_KINDS, Consent, ConsentKind
from shared.http import FieldProblem
from shared.state import DesiredState, Trouble, Verifier, WrittenState, etag
from tests.unit.api.memory_service import MemoryService


async def put(client: RegentClient, state: DesiredState, if_match: str | None = None) -> PushAnswer:
    return await client.put_state(WrittenState.of(state), if_match=if_match)


@pytest.fixture
async def client(app: FastAPI, token: str) -> AsyncIterator[RegentClient]:
    async with RegentClient(
        "http://regent", token, transport=httpx.ASGITransport(app)
    ) as connected:
        yield connected


@pytest.mark.rule("17")
async def test_each_answer_to_a_push_is_told_apart(
    client: RegentClient, service: MemoryService, desired: DesiredState
) -> None:
    assert await client.state() is None
    first = etag(desired)
    assert await put(client, desired) == Accepted(first)
    assert await put(client, desired) == Stale()
    assert await put(client, desired, "x") == Stale()
    foreign = desired.model_copy(update={"origin": "elsewhere"})
    assert isinstance(await put(client, foreign, first), TakeoverNeeded)
    service.problems = (FieldProblem(field="a", message="b"),)
    assert await put(client, desired, first) == Refused(service.problems)


@pytest.mark.rule("28a")
async def test_a_first_push_says_where_the_regent_had_a_state(
    client: RegentClient, service: MemoryService, desired: DesiredState
) -> None:
    await client.put_state(WrittenState.of(desired), if_match=None, had_state="7412")
    assert service.had_state == "7412"
    other = desired.model_copy(update={"deleted": ("Role/default/x",)})
    known = ("7412", 17)
    await client.put_state(
        WrittenState.of(other), if_match=etag(desired), had_state="7412", had_in_force=known
    )
    assert service.had_in_force == known
    assert service.had_state is None


@pytest.mark.rule("28a")
@pytest.mark.parametrize("kind", CONSENT_KINDS)
async def test_each_kind_of_consent_is_taken_or_something_else_waits(
    client: RegentClient, service: MemoryService, kind: ConsentKind
) -> None:
    service.needed_token = service.withheld_digest = service.unapproved_digest = "abc"
    with pytest.raises(UnexpectedAnswer) as refused:
        await client.consent(Consent(kind, "abd"))
    assert refused.value.status == 409
    await client.consent(Consent(kind, "abc"))
    waits = {
        "Brake": service.withheld_digest,
        "Approval": service.unapproved_digest,
        "Takeover": service.needed_token,
    }
    assert waits.pop(kind) is None
    assert set(waits.values()) == {"abc"}


async def test_a_large_state_arrives_whole(
    client: RegentClient, service: MemoryService, desired: DesiredState
) -> None:
    role = desired.resources["Role/default/viewer"]
    large = desired.model_copy(
        update={"resources": {f"Role/default/r{n}": role for n in range(500)}}
    )
    assert await put(client, large) == Accepted(etag(large))
    accepted = await client.state()
    assert accepted is not None
    assert accepted.etag == etag(large)
    assert accepted.resources == frozenset(large.resources)


@pytest.mark.rule("1")
async def test_what_a_regent_holds_without_ever_having_had_it_is_not_bound_to_it(
    client: RegentClient, service: MemoryService, desired: DesiredState
) -> None:
    """Else a resource with a typo would be bound to every Regent of its namespace."""
    held = {"Role/default/typo": Trouble(reason="Invalid", message="is not a known field")}
    await put(client, desired.model_copy(update={"held": held}))
    accepted = await client.state()
    assert accepted is not None
    assert accepted.resources == frozenset(desired.resources)


async def test_verifiers_arrive_and_are_in_no_repr(
    client: RegentClient, service: MemoryService, canary_verifier: Verifier
) -> None:
    service.in_force["User/default/intern"] = canary_verifier
    assert await client.verifiers() == {"User/default/intern": canary_verifier}


async def test_status_history_drift_and_plan_are_read(
    client: RegentClient, service: MemoryService, desired: DesiredState
) -> None:
    assert await client.status(after=0, wait_seconds=0.01) is None
    service.sequence = 3
    status = await client.status(after=0)
    assert status is not None
    assert status.sequence == 3
    assert (await client.history()).items == ()
    assert (await client.drift()).continue_ == "more"
    assert (await client.plan(desired)).changes[0].effect == "Create"
    await client.reconcile()
    assert await client.is_ready()


async def test_an_answer_that_is_not_understood_names_reason_and_way_out(
    client: RegentClient,
) -> None:
    with pytest.raises(UnexpectedAnswer) as raised:
        await client.plan()
    assert raised.value.status == 404
    assert "NoState" in str(raised.value)


async def test_a_wrong_token_and_a_dead_regent_are_told_apart(app: FastAPI) -> None:
    async with RegentClient(
        "http://regent", "canary-token", transport=httpx.ASGITransport(app)
    ) as stranger:
        with pytest.raises(UnexpectedAnswer) as refused:
            await stranger.state()
        assert refused.value.status == 401
        assert "canary-token" not in f"{refused.value}{refused.value!r}{stranger!r}"
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with RegentClient(f"http://127.0.0.1:{unused.getsockname()[1]}", None) as nobody:
            with pytest.raises(RegentUnreachable):
                await nobody.status()
