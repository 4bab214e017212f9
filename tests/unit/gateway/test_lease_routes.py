"""What the API of leases answers, and what it does not read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from controller.gateway.authorization import LEASES_AUDIENCE, Gatekeeper, Person, Refused
from controller.gateway.http import create_views_app
from controller.gateway.lease_routes import LARGEST_BODY_BYTES, add_lease_routes
from controller.gateway.openapi import document, text
from controller.gateway.views import NothingKnown, Views
from controller.kube.errors import ApiError
from controller.kube.lease import NotLeader
from controller.leases.asking import Denied, LeaseNotInForce, NotNow
from controller.leases.issued import Issued, Renewed
from controller.leases.room import TooMany
from controller.regents.fleet import Fleet
from shared.keys import ResourceKey
from tests.integration.docs.console import ROOT

NOW = datetime(2026, 11, 28, 7, 0, tzinfo=UTC)
ASKED = {"namespace": "a", "user": "u", "ttl": "1h"}
PASSWORD = "demo-only-password"


class Everybody:
    """Knows one token."""

    async def who(self, authorization: str) -> Person:
        if authorization != "Bearer good":
            raise Refused(401, "Unauthorized", "Kubernetes does not know this token.")
        return Person("system:serviceaccount:a:b")


@dataclass
class FakeLeases:
    """Gives what is asked for, or what a test says."""

    raises: Exception | None = None
    asked: list[Any] = field(default_factory=list)

    async def ask(self, who: str, user: ResourceKey, seconds: int | None) -> Issued:
        self._note(who, user, seconds)
        return Issued("u-1", NOW, NOW, "u-1", SecretStr(PASSWORD), "h", 5432, None)

    async def renew(self, who: str, lease: ResourceKey, seconds: int | None) -> Renewed:
        self._note(who, lease, seconds)
        return Renewed("u-1", NOW, NOW)

    async def revoke(self, who: str, lease: ResourceKey) -> None:
        self._note(who, lease)

    def _note(self, *asked: Any) -> None:
        self.asked.append(asked)
        if self.raises:
            raise self.raises


@asynccontextmanager
async def served(leases: FakeLeases, standby: str = "") -> AsyncIterator[httpx.AsyncClient]:
    fleet = Fleet(lambda *_: None)
    views = Views(lambda: fleet, lambda: standby)
    app = create_views_app(views, Everybody())  # type: ignore[arg-type]
    add_lease_routes(app, leases, Everybody(), views.require)  # type: ignore[arg-type]
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://leases", headers={"Authorization": "Bearer good"}
    ) as client:
        yield client


async def test_a_lease_is_answered_once_and_kept_by_nobody_on_the_way() -> None:
    leases = FakeLeases()
    async with served(leases) as client:
        answer = await client.post("/v1/leases", json=ASKED)
        assert answer.status_code == 201
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json() == {
            "name": "u-1", "username": "u-1", "password": PASSWORD, "host": "h", "port": 5432,
            "expiresAt": "2026-11-28T07:00:00Z", "renewableUntil": "2026-11-28T07:00:00Z",
        }  # fmt: skip
        renewed = await client.put("/v1/leases/a/u-1", json={"ttl": "2h"})
        assert (renewed.status_code, set(renewed.json())) == (
            200, {"name", "expiresAt", "renewableUntil"},
        )  # fmt: skip
        assert (await client.delete("/v1/leases/a/u-1")).status_code == 202
    who = "system:serviceaccount:a:b"
    assert leases.asked == [
        (who, ResourceKey("User", "a", "u"), 3600),
        (who, ResourceKey("User", "a", "u-1"), 7200),
        (who, ResourceKey("User", "a", "u-1")),
    ]


@pytest.mark.parametrize(
    ("raised", "status", "reason"),
    [
        (Denied(), 403, "Forbidden"),
        (NotNow(), 409, "NotNow"),
        (TooMany(), 429, "TooMany"),
        (LeaseNotInForce(), 503, "LeaseNotInForce"),
        (NotLeader(), 503, "NotReady"),
        (ApiError(403, "Forbidden", "no right"), 503, "NotReady"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else "",
)
async def test_every_refusal_is_a_problem_that_says_when_to_ask_again(
    raised: Exception, status: int, reason: str
) -> None:
    async with served(FakeLeases(raised)) as client:
        answer = await client.post("/v1/leases", json=ASKED)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert answer.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in answer.headers) == (status in (429, 503))


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer bad"}], ids=["none", "unknown"])
async def test_without_a_token_nothing_is_read(headers: dict[str, str]) -> None:
    leases = FakeLeases()
    async with served(leases) as client:
        client.headers.pop("Authorization")
        for answer in (
            await client.post("/v1/leases", content=b"x" * 10_000, headers=headers),
            await client.put("/v1/leases/a/b", content=b"x" * 10_000, headers=headers),
            await client.delete("/v1/leases/a/b", headers=headers),
        ):
            assert answer.status_code == 401
    assert leases.asked == []


async def test_a_standby_says_who_leads() -> None:
    leases = FakeLeases()
    async with served(leases, "This controller is a standby. pod-2 leads: ask that one.") as client:
        answer = await client.post("/v1/leases", json=ASKED)
    assert (answer.status_code, leases.asked) == (503, [])
    assert "pod-2 leads" in answer.json()["detail"]
    assert NothingKnown.__doc__


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"x" * (LARGEST_BODY_BYTES + 1), 413),
        (b"[]", 422),
        (b"not json", 422),
        (b"", 422),
        (b'{"namespace": "a", "user": "u", "more": 1}', 422),
        (b'{"namespace": "a", "user": "../regents"}', 422),
        (b'{"namespace": "a", "user": "u", "ttl": "59s"}', 422),
        (b'{"namespace": "a", "user": "u", "ttl": 3600}', 422),
    ],
    ids=["large", "a list", "no JSON", "nothing", "more", "a path", "too short", "a number"],
)
async def test_what_is_no_such_body_is_refused_and_not_repeated(sent: bytes, status: int) -> None:
    leases = FakeLeases()
    async with served(leases) as client:
        answer = await client.post("/v1/leases", content=sent)
    assert (answer.status_code, leases.asked) == (status, [])
    assert answer.headers["content-type"] == "application/problem+json"
    assert "not json" not in answer.text


class Reviewer:
    """An API server that knows every token, for these audiences."""

    def __init__(self, *audiences: str) -> None:
        self.audiences = list(audiences)
        self.specs: list[dict[str, Any]] = []

    async def create(self, _kind: Any, _namespace: Any, body: dict[str, Any]) -> dict[str, Any]:
        self.specs.append(body["spec"])
        user = {"username": "somebody"}
        return {"status": {"authenticated": True, "user": user, "audiences": self.audiences}}


async def test_a_token_that_was_not_looked_at_for_the_audience_is_none() -> None:
    """An authenticator that knows of no audiences says yes to any token, and names none."""
    for audiences in ((), ("https://kubernetes.default.svc",)):
        keeper = Gatekeeper(Reviewer(*audiences), (LEASES_AUDIENCE,))  # type: ignore[arg-type]
        with pytest.raises(Refused):
            await keeper.who("Bearer token")
    reviewer = Reviewer(LEASES_AUDIENCE)
    keeper = Gatekeeper(reviewer, (LEASES_AUDIENCE,))  # type: ignore[arg-type]
    assert (await keeper.who("Bearer token")).name == "somebody"
    assert reviewer.specs[0]["audiences"] == [LEASES_AUDIENCE]


def test_the_committed_description_is_what_the_code_says() -> None:
    """When it is not: `python -m controller.gateway.openapi > docs/openapi/controller.json`."""
    assert (ROOT / "docs/openapi/controller.json").read_text("utf-8") == text()
    paths = document()["paths"]
    assert {(path, verb) for path, one in paths.items() for verb in one} == {
        ("/v1/leases", "post"),
        ("/v1/leases/{namespace}/{name}", "put"),
        ("/v1/leases/{namespace}/{name}", "delete"),
    }
    for one in paths.values():
        for operation in one.values():
            assert {"401", "403", "503"} <= operation["responses"].keys()
