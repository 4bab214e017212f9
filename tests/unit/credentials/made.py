"""Users with `credentials`, and the Secrets that were made for them, in short words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from controller.core.secrets import Secret, SecretName
from controller.credentials.due import Wanted, new_secret, wanted_of
from controller.kube.kinds import JsonObject
from controller.observe.reader import Declared, Reader, read_secrets
from shared.keys import ResourceKey
from shared.resources import User
from shared.state import DesiredState
from tests.declared import state
from tests.unit.cluster.objects import raw

NOW = datetime(2026, 11, 28, 7, 0, tzinfo=UTC)
NAME = SecretName("default", "login")
KEY = ResourceKey("User", "default", "ann")
ROLES = "Role/viewer: {database: mydb}\n"
PASSWORD = "made" * 8


def declared(
    *, roles: tuple[str, ...] = ("viewer",), spec: dict[str, Any] | None = None, **metadata: Any
) -> Declared:  # fmt: skip
    """One User, as the API server has it."""
    made = {"secretName": "login", **(spec or {})}
    found = raw("User", "ann", {"roles": list(roles), "credentials": made}, **metadata)
    return Reader().read([("User", found)])


def a_state(host: str = "db.example.org", more: str = "") -> DesiredState:
    """Of a Regent that has it."""
    text = f"{ROLES}{more}User/ann: {{roles: [viewer], credentials: {{secretName: login}}}}"
    server = {"databaseHost": host, "databaseName": "mydb", "port": 6432}
    return state(text, regent=server)


def wanted(*states: DesiredState, **more: Any) -> Wanted:
    """What it asks for."""
    user = declared(**more).resources[KEY].resource
    assert isinstance(user, User)
    found = wanted_of(user, states or (a_state(),))
    assert found is not None
    return found


def as_kept(body: JsonObject, **metadata: Any) -> Secret:
    """As it is read again."""
    about = {
        **body["metadata"], "namespace": "default", "uid": "uid-login", "resourceVersion": "3",
        "creationTimestamp": "2026-01-01T00:00:00Z", **metadata,
    }  # fmt: skip
    whole = {**body, "metadata": about}
    return read_secrets([NAME], {("default", "login"): whole})[NAME]


def a_secret(now: datetime = NOW, one: Wanted | None = None, **metadata: Any) -> Secret:
    """The one that was made for it."""
    return as_kept(new_secret(one or wanted(), PASSWORD, now), **metadata)
