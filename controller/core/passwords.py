"""From a User's Secret to the verifier that shall be in force (docs/architecture.md, rule 19).

A password that fits the verifier in force keeps it, so the same password never rewrites anything.
Trouble with a Secret is trouble of the password alone, and leaves the one in force as it is.
"""

from __future__ import annotations

import hashlib
import secrets as randomness
from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.core.compile import Passwords
from controller.core.secrets import Secret, SecretName
from shared.errors import PostgRegentError
from shared.in_force import former_keys, key_of_role
from shared.keys import ResourceKey
from shared.problems import did_you_mean
from shared.resources import Regent, SecretKeyRef, UserSpec
from shared.scram import (
    VerifierMalformed,
    VerifierOutOfBounds,
    build,
    checked,
    fits,
    has_form_of_verifier,
)
from shared.secret_text import SecretEmpty, SecretUnreadable, read_secret_text
from shared.state import PasswordEntry, Trouble, Verifier

Secrets = Mapping[SecretName, Secret]
InForce = Mapping[str, Verifier]
"""The verifiers that one Regent has in force, by the User's key as text (shared/in_force.py)."""

_REASONS: Mapping[type[PostgRegentError], str] = {
    SecretEmpty: "SecretEmpty",
    SecretUnreadable: "SecretUnreadable",
    VerifierMalformed: "VerifierMalformed",
    VerifierOutOfBounds: "VerifierOutOfBounds",
}


NOT_MADE = (
    "a password is made, and a lease given, by the controller of a cluster only. Here, use"
    " passwordSecretRef, with the value in a Secret or in the environment."
)


class SecretNotUsable(Exception):
    """Why a Secret gives no password."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class _Remembered:
    digest: bytes = field(repr=False)
    verifier: Verifier


class PasswordBook:
    """Turns Secrets into verifiers, one per role and Regent, and remembers which belong together.

    An unchanged Secret costs one hash. A new one costs 1.2 ms, or twice that when another password
    was in force: with thousands of new users, call it from a thread. What is remembered of a
    password is a digest under a key that lives as long as the book.
    """

    def __init__(self) -> None:
        self._key = randomness.token_bytes(32)
        self._known: dict[tuple[ResourceKey, ResourceKey], _Remembered] = {}
        self._users: dict[tuple[ResourceKey, str], ResourceKey] = {}
        """By Regent and the key of a User that is called as its role is."""

    def entry(
        self, regent: Regent, user: ResourceKey, spec: UserSpec, secrets: Secrets, in_force: InForce
    ) -> PasswordEntry | None:
        """What is known of the User's password on this Regent; None when it is not managed."""
        if spec.credentials is not None:
            return PasswordEntry(trouble=_credentials_wait(user))
        reference = spec.password_secret_ref
        if reference is None:
            return None
        try:
            raw = _raw_value(reference, regent, user, secrets)
            text = read_secret_text(raw)
            verifier = self._verifier(regent.key, user, spec, text.value, in_force)
        except SecretNotUsable as refused:
            return PasswordEntry(trouble=refused.trouble)
        except tuple(_REASONS) as error:
            where = f"Secret {user.namespace}/{reference.name}, key {reference.key}: "
            reason = _REASONS[type(error)]
            return PasswordEntry(trouble=Trouble(reason=reason, message=f"{where}{error}"))
        return PasswordEntry(verifier=verifier, note=text.note)

    def reading(self, secrets: Secrets, in_force: Mapping[ResourceKey, InForce]) -> Passwords:
        """What `compile_states` asks: these Secrets, and what each Regent has in force.

        Nothing is known for a Regent of which that is not known.
        """

        def read(regent: Regent, user: ResourceKey, spec: UserSpec) -> PasswordEntry | None:
            there = in_force.get(regent.key)
            return None if there is None else self.entry(regent, user, spec, secrets, there)

        return read

    def forget_except(self, kept: Mapping[ResourceKey, frozenset[ResourceKey]]) -> None:
        """Forget every User that is not `kept` on its Regent."""
        self._known = {
            (regent, user): remembered
            for (regent, user), remembered in self._known.items()
            if user in kept.get(regent, ())
        }
        self._users = {
            (regent, role): user
            for (regent, role), user in self._users.items()
            if user in kept.get(regent, ())
        }

    def _verifier(
        self, regent: ResourceKey, user: ResourceKey, spec: UserSpec, text: str, in_force: InForce
    ) -> Verifier:
        """The Secret's own verifier, the one in force, the one remembered, or a new one."""
        if has_form_of_verifier(text):
            return checked(text)
        digest = hashlib.blake2b(text.encode(), key=self._key).digest()
        known, own = self._known.get((regent, user)), in_force.get(str(user))
        remembered = known.verifier if known and known.digest == digest else None
        if remembered is not None and own in (None, remembered):
            verifier = remembered
        elif own is not None and fits(text, own):
            verifier = own
        elif remembered is None and own is None:
            verifier = self._formers(regent, user, spec, text, in_force) or build(text)
        else:
            verifier = remembered or build(text)
        self._known[regent, user] = _Remembered(digest, verifier)
        self._users[regent, key_of_role(user.namespace, spec.postgres_name(user.name))] = user
        return verifier

    def _formers(
        self, regent: ResourceKey, user: ResourceKey, spec: UserSpec, text: str, in_force: InForce
    ) -> Verifier | None:
        """Of the one who had the role that this User takes over, where the password is his.

        Whoever knows it is the same person (rule 10): with another salt he would be put out.
        """
        for key in former_keys(user, spec):
            former = self._users.get((regent, key))
            known = self._known.get((regent, former)) if former else None
            for verifier in (known.verifier if known else None, in_force.get(key)):
                if verifier is not None and fits(text, verifier):
                    return verifier
        return None


def _raw_value(
    reference: SecretKeyRef, regent: Regent, user: ResourceKey, secrets: Secrets
) -> bytes:
    """The bytes under the key. Raises SecretNotUsable."""
    name = SecretName(user.namespace, reference.name)
    secret = secrets.get(name)
    if secret is None:
        raise _not_usable(
            "SecretNotFound", f"Secret {name} does not exist. Create it, or correct the name."
        )
    if lacking := secret.lacking(regent.spec.secrets_selector):
        labels = ", ".join(f"{key}={value}" for key, value in lacking.items())
        raise _not_usable(
            "SecretNotSelected",
            f"Secret {name} lacks the label {labels}, which the secretsSelector of Regent"
            f" {regent.metadata.name} asks for. Add it to the Secret.",
        )
    value = secret.values.get(reference.key)
    if value is None:
        way_out = did_you_mean(reference.key, secret.values, "add it, or correct the key")
        raise _not_usable(
            "SecretKeyNotFound",
            f"Secret {name} has no readable key {reference.key}; {way_out.rstrip('.')}",
        )
    return value.get_secret_value()


def _not_usable(reason: str, message: str) -> SecretNotUsable:
    return SecretNotUsable(Trouble(reason=reason, message=message))


def _credentials_wait(user: ResourceKey) -> Trouble:
    return Trouble(
        reason="NotSupported",
        message=f"spec.credentials of {user}: {NOT_MADE}",
    )
