"""Which password is in force: compared as a verifier, or with what the mark remembers of it."""

from __future__ import annotations

import hashlib

from regent.observed import ObservedRole
from shared.state import Verifier


def verifier_digest(verifier: Verifier) -> str:
    """What a mark remembers of a verifier, for an admin who cannot read pg_authid."""
    return hashlib.sha256(verifier.value.encode()).hexdigest()


def is_in_force(verifier: Verifier, observed: ObservedRole | None, digest: str) -> bool:
    """Whether the role has this one; `digest` is what its mark knows."""
    if observed is None:
        return False
    if observed.password_is_readable:
        return observed.verifier == verifier
    return verifier_digest(verifier) == digest
