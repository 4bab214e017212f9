"""What a lease says once it is in force, and why it is not. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pydantic import SecretStr

from controller.core.secrets import Secret
from controller.credentials.kept import password_in
from controller.kube.kinds import JsonObject, generation_of, is_deleting, uid_of
from controller.leases.lease import Template, created_at, end_of, own_end


@dataclass(frozen=True, slots=True)
class Renewed:
    """Until when a lease goes on, and until when it may."""

    name: str
    expires_at: datetime
    renewable_until: datetime


@dataclass(frozen=True, slots=True)
class Issued(Renewed):
    """What logs in, and where to, as far as that is one place."""

    username: str
    password: SecretStr = field(repr=False)
    host: str | None
    port: int | None
    dbname: str | None


def ready_condition(lease: JsonObject) -> JsonObject:
    """Its Ready, as its status says it last."""
    conditions = (lease.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one.get("type") == "Ready"), {})


def is_in_force(lease: JsonObject, uid: str, generation: int) -> bool:
    """Whether this very lease is Ready as it is now, which is that generation or a later one."""
    seen = (lease.get("status") or {}).get("observedGeneration") or 0
    is_its_own = uid_of(lease) == uid and generation_of(lease) >= generation
    is_seen = is_its_own and seen == generation_of(lease) and not is_deleting(lease)
    return is_seen and ready_condition(lease).get("status") == "True"


def said_of(lease: JsonObject | None) -> str:
    """What its status says of it; None for one that nobody has seen."""
    said = ready_condition(lease) if lease else {}
    if not said:
        return "no Regent has said anything about it."
    return f"{said.get('reason')}: {said.get('message')}"


def issued(template: Template, lease: JsonObject, secret: Secret) -> Issued:
    """What the asker gets of a lease that is in force, with its own Secret."""

    def text(key: str) -> str | None:
        value = secret.values.get(key)
        return value.get_secret_value().decode("utf-8", "replace") if value else None

    ends = own_end(lease)
    last = end_of(template, created_at(lease), None)
    port = text("port")
    return Issued(
        name=lease["metadata"]["name"],
        expires_at=ends if ends is not None else last,
        renewable_until=last,
        username=text("username") or "",
        password=SecretStr(password_in(secret).decode()),
        host=text("host"),
        port=int(port) if port and port.isdigit() else None,
        dbname=text("dbname"),
    )
