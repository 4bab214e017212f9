from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from regent.api.app import create_app
from regent.api.waiting import LongPolls
from regent.health.metrics import Metrics
from shared.resources import RegentSpec
from shared.state import DesiredState, PasswordEntry, RegentEntry, RoleEntry, UserEntry, Verifier
from tests.unit.api.memory_service import MemoryService

TOKEN = "a-token-of-the-tests"


@pytest.fixture
def service() -> MemoryService:
    return MemoryService()


@pytest.fixture
def polls() -> LongPolls:
    return LongPolls()


@pytest.fixture
def app(service: MemoryService, polls: LongPolls) -> FastAPI:
    return create_app(service, token=TOKEN, metrics=Metrics().render, polls=polls)


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that knows the token and gets the answer to a crash rather than the crash."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://regent",
        headers={"Authorization": f"Bearer {TOKEN}"},
    ) as client:
        yield client


@pytest.fixture
def desired(canary_verifier: Verifier) -> DesiredState:
    """One Role and one User, whose verifier must not be seen anywhere."""
    return DesiredState(
        origin="directory",
        revision=1,
        regent=RegentEntry(
            namespace="default",
            name="my-regent",
            spec=RegentSpec.model_validate(
                {
                    "adminUser": "my-admin",
                    "adminPasswordSecretRef": {"name": "mydb-passwords", "key": "admin"},
                    "databaseHost": "some.known.endpoint",
                    "databaseName": "mydb",
                }
            ),
        ),
        resources={
            "Role/default/viewer": RoleEntry.model_validate({"spec": {"database": "mydb"}}),
            "User/default/intern": UserEntry.model_validate(
                {
                    "spec": {
                        "roles": ["viewer"],
                        "passwordSecretRef": {"name": "passwords", "key": "intern"},
                    },
                    "password": PasswordEntry(verifier=canary_verifier),
                }
            ),
        },
    )


@pytest.fixture
def canary_verifier() -> Verifier:
    return Verifier("SCRAM-SHA-256$4096:Y2FuYXJ5LWNhbmFyeQ==$canary+stored=:canary+server=")


@pytest.fixture
def token() -> str:
    return TOKEN
