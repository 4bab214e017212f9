"""The verifiers that a state has in force, by the User or the role that a password may be of."""

from __future__ import annotations

from collections.abc import Mapping

from shared.keys import ResourceKey
from shared.resources import UserSpec
from shared.state import Entry, Verifier


def verifiers_in_force(resources: Mapping[str, Entry]) -> dict[str, Verifier]:
    """By the User's key, and by the key of a User that would be called as its role is.

    So who takes a role over under another `metadata.name` finds the verifier that it has.
    """
    found: dict[str, Verifier] = {}
    by_role: dict[str, Verifier] = {}
    for text, entry in resources.items():
        if entry.kind == "User" and entry.password and entry.password.verifier:
            found[text] = entry.password.verifier
            key = ResourceKey.parse(text)
            if entry.spec.user_name is not None:
                named = key_of_role(key.namespace, entry.spec.user_name)
                by_role[named] = entry.password.verifier
    return {**by_role, **found}


def key_of_role(namespace: str, role: str) -> str:
    """The key that a User of this namespace has where it is called as its role is."""
    return f"User/{namespace}/{role}"


def former_keys(user: ResourceKey, spec: UserSpec) -> tuple[str, ...]:
    """Under which another resource may have had the role that this User takes over (rule 7)."""
    names = (spec.postgres_name(user.name), spec.renamed_from)
    keys = (key_of_role(user.namespace, name) for name in names if name)
    return tuple(key for key in keys if key != str(user))
