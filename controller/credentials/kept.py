"""Whether a Secret is the one that was made for a User, and what its password is read by. Pure.

Only a Secret with our label that belongs to this very User, by its uid, is believed. Then it is
read as one that `passwordSecretRef` names, and no `secretsSelector` has to let it in: that is there
to keep the author of a User from having somebody else's Secret used.
"""

from __future__ import annotations

from dataclasses import replace

from controller.core.passwords import Secrets
from controller.core.secrets import Secret, SecretName
from controller.kube.owners import owning_users
from controller.names import MANAGED_BY
from shared.keys import ResourceKey
from shared.resources import UserSpec
from shared.resources.user import MADE_KEY
from shared.state import Trouble

MAKER = "postgregent-credentials"
"""The label's value. What the controller runs for Regents has another one, and is swept by it."""
_OF_THE_CONTROLLER = ("postgregent-", "regent-")
"""So begins what it makes for itself, in its own namespace."""


def name_of(user: ResourceKey, spec: UserSpec) -> SecretName | None:
    """Of the Secret that is made for it; None where none is."""
    key = spec.password_key if spec.credentials is not None else None
    return SecretName(user.namespace, key.name) if key is not None else None


def is_reserved(name: SecretName, own_namespace: str) -> bool:
    """Whether the controller may need a Secret of this name for itself."""
    return name.namespace == own_namespace and name.name.startswith(_OF_THE_CONTROLLER)


def reserved(name: SecretName) -> Trouble:
    """It is not made: a Regent, or its certificates, may come to need it."""
    return Trouble(
        reason="SecretTaken",
        message=f"Secret {name}: in the controller's own namespace, names that begin with"
        f" {' and '.join(_OF_THE_CONTROLLER)} are of what it makes for itself. Choose another"
        " spec.credentials.secretName.",
    )


def is_made_for(secret: Secret, uid: str) -> bool:
    """Whether it was made for the User with this uid."""
    labels = secret.labels or {}
    return labels.get(MANAGED_BY) == MAKER and any(
        owner.get("uid") == uid for owner in owning_users(secret.metadata)
    )


def trouble_of(user: ResourceKey, uid: str, name: SecretName, secrets: Secrets) -> Trouble | None:
    """Why there is no password in it; None where it is the User's own."""
    found = secrets.get(name)
    if found is None:
        return Trouble(reason="SecretNotFound", message=f"Secret {name} is being made.")
    if is_made_for(found, uid):
        return None
    labels = found.labels or {}
    if labels.get(MANAGED_BY) == MAKER and any(
        owner.get("name") == user.name for owner in owning_users(found.metadata)
    ):
        said = f"Secret {name} is of an earlier User {user.name}, and goes with it; one is made."
        return Trouble(reason="SecretNotFound", message=said)
    return Trouble(
        reason="SecretTaken",
        message=f"Secret {name} exists, and was not made by PostgRegent for {user}: it is neither"
        " read nor changed. Choose another spec.credentials.secretName, or delete that Secret, or"
        " name it in passwordSecretRef instead.",
    )


def as_named(spec: UserSpec, name: SecretName, secrets: Secrets) -> tuple[UserSpec, Secrets]:
    """The same with `passwordSecretRef`, and the Secret as one that everybody selects."""
    named = spec.model_copy(update={"password_secret_ref": spec.password_key, "credentials": None})
    return named, {name: replace(secrets[name], labels=None)}


def password_in(secret: Secret) -> bytes:
    """As it is kept; empty where it was lost."""
    value = secret.values.get(MADE_KEY)
    return value.get_secret_value().strip() if value else b""
