"""What a lease is: a User that says what the Dynamic one says, and ends (ADR 57). Pure.

Nothing of it has to be believed: who may write Users of the namespace could have written the same.
"""

from __future__ import annotations

import secrets as randomness
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.core.secrets import SecretName
from controller.kube.kinds import USER, JsonObject
from controller.kube.owners import owned_by, owning_users
from controller.names import MANAGED_BY
from shared.names import MAX_BYTES
from shared.resources import GROUP, User, UserSpec
from shared.resources.user import Credentials
from shared.utc import utc

MAKER = "postgregent-leases"
ASKED_BY = f"{GROUP}/asked-by"
"""On a lease: the service account that asked for it, as the API server calls it."""
ALPHABET = string.ascii_lowercase + string.digits
SUFFIX_LENGTH = 8
LONGEST_NAME = 253
COPIED = (
    "database", "roles", "connection_limit", "access", "permissions", "member_of", "attributes",
    "parameters", "database_parameters", "regent_selector",
)  # fmt: skip
"""The fields in which a lease says what its User says. Nobody adopts, owns or stays by a lease."""
NOTE = "leases log in, it does not"
"""Of the User itself, in its status."""


@dataclass(frozen=True, slots=True)
class Template:
    """A Dynamic User: what its leases are made of."""

    user: User
    made: Credentials

    @property
    def uid(self) -> str:
        """By which its leases belong to it."""
        return self.user.metadata.uid or ""

    @property
    def accounts(self) -> frozenset[str]:
        """The service accounts that may ask, as the API server calls them."""
        prefix = f"system:serviceaccount:{self.user.metadata.namespace}:"
        return frozenset(f"{prefix}{name}" for name in self.made.service_accounts)

    def is_over(self, now: datetime) -> bool:
        """Whether it gives nobody a lease any more, by what it says itself."""
        until = self.user.spec.valid_until
        return not self.user.spec.is_enabled or (until is not None and until <= now)


def template_of(user: object) -> Template | None:
    """None for what leases are not made of."""
    if not isinstance(user, User) or user.spec.credentials is None or not user.spec.has_leases:
        return None
    return Template(user, user.spec.credentials)


def asker_of(lease: JsonObject) -> str:
    """Who asked for it; empty where it does not say."""
    annotations: Mapping[str, str] = lease["metadata"].get("annotations") or {}
    return annotations.get(ASKED_BY, "")


def new_suffix() -> str:
    """Tells the leases of one User apart."""
    return "".join(randomness.choice(ALPHABET) for _ in range(SUFFIX_LENGTH))


def too_long(template: Template) -> str:
    """Why no lease of it can have a name; empty where one can."""
    role, more = template.user.postgres_name, SUFFIX_LENGTH + 1
    if (size := len(role.encode()) + more) > MAX_BYTES:
        return (
            f"A lease would be called {role}-{'x' * SUFFIX_LENGTH} in PostgreSQL, which is {size}"
            f" bytes long: {MAX_BYTES} is the most. Give the User a userName of at most"
            f" {MAX_BYTES - more} bytes."
        )
    names = {
        "metadata.name": template.user.metadata.name,
        "spec.credentials.secretName": template.made.secret_name,
    }
    for field, name in names.items():
        if len(name) + more > LONGEST_NAME:
            return f"{field} of the User is longer than {LONGEST_NAME - more} characters."
    return ""


def created_at(lease: JsonObject) -> datetime:
    """By the API server's clock."""
    return datetime.fromisoformat(lease["metadata"]["creationTimestamp"])


def own_end(lease: JsonObject) -> datetime | None:
    """When it ends by what it says itself; None where it says no time."""
    try:
        found = datetime.fromisoformat(str(lease["spec"]["validUntil"]))
    except (KeyError, ValueError):
        return None
    return found if found.tzinfo else None


def end_of(template: Template, made: datetime, wished: datetime | None) -> datetime:
    """When a lease that was made then ends at the latest, or as is wished."""
    longest = made + timedelta(seconds=template.made.max_ttl_seconds)
    bounds = (longest, template.user.spec.valid_until, wished)
    end = min(bound for bound in bounds if bound is not None)
    return end.astimezone(UTC).replace(microsecond=0)


def spec_of(template: Template, lease: str, until: datetime, own: Mapping[str, Any]) -> UserSpec:
    """What the lease of this name says: `own`, as it stands there, keeps its two names."""
    user, made = template.user, template.made
    suffix = lease.removeprefix(f"{user.metadata.name}-")
    kept = own.get("credentials") or {}
    copied = {field: getattr(user.spec, field) for field in COPIED}
    return UserSpec(
        **copied,
        # What somebody makes under a lease stays with its User (rule 27).
        reassign_owned_to=user.spec.reassign_owned_to or user.postgres_name,
        user_name=own.get("userName") or f"{user.postgres_name}-{suffix}",
        valid_until=until,
        credentials=Credentials(
            secret_name=kept.get("secretName") or f"{made.secret_name}-{suffix}",
            length=made.length,
        ),
    )


def new_lease(template: Template, suffix: str, asker: str, until: datetime) -> JsonObject:
    """The whole of it, which goes with its User."""
    user = template.user.metadata.name
    name = f"{user}-{suffix}"
    return {
        "apiVersion": USER.api_version,
        "kind": USER.name,
        "metadata": {
            "name": name,
            "labels": {MANAGED_BY: MAKER},
            "annotations": {ASKED_BY: asker},
            "ownerReferences": [owned_by(user, template.uid)],
        },
        "spec": as_written(spec_of(template, name, until, {})),
    }


def as_written(spec: UserSpec) -> JsonObject:
    """As it stands in a manifest."""
    written: JsonObject = spec.model_dump(mode="json", by_alias=True)
    return written | ({"validUntil": utc(spec.valid_until)} if spec.valid_until else {})


def secret_of(lease: JsonObject) -> SecretName | None:
    """That which keeps its password."""
    name = (lease["spec"].get("credentials") or {}).get("secretName")
    return SecretName(lease["metadata"]["namespace"], name) if name else None


def is_lease_of(found: JsonObject, uid: str) -> bool:
    """Whether it belongs to the User of this uid."""
    return any(owner.get("uid") == uid for owner in owning_users(found["metadata"]))


def change_of(lease: JsonObject, spec: Mapping[str, Any]) -> JsonObject:
    """The patch of this very version of it, in these fields of its spec."""
    metadata = {name: lease["metadata"][name] for name in ("uid", "resourceVersion")}
    return {"metadata": metadata, "spec": dict(spec)}


def ended_at(moment: datetime) -> JsonObject:
    """In so many words: an end that neither waits for anybody nor for another clock (rule 20)."""
    return {"enabled": False, "validUntil": utc(moment)}
