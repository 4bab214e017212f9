"""What waits for a person, and what becomes of a consent that names its digest. Pure.

A consent is good for exactly what its digest is over, and once: a release is void when a look has
heard it, and the next digest of the same losses is another one (brake_memory.py); a takeover is
over when what is obeyed is another one, and the token that lets a push in goes with what that push
replaces (regent/accept/merge.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from regent.gate.takeover import Takeover
from shared.consent import Consent


@dataclass(frozen=True, slots=True)
class Unapproved:
    """All that is declared anew and waits for approval now (rule 20a)."""

    digest: str


@dataclass(frozen=True, slots=True)
class Withheld:
    """All the losses that the brake withholds now."""

    digest: str


Waiting = Withheld | Unapproved | Takeover


def consented(given: Consent, waiting: Iterable[Waiting]) -> Waiting | None:
    """What a person agreed to, of all that waits; None where it is none of that."""
    return next((one for one in waiting if given.fits(wanted(one))), None)


def wanted(waiting: Waiting) -> Consent:
    """The consent that it waits for."""
    match waiting:
        case Withheld(digest=digest):
            return Consent("Brake", digest)
        case Unapproved(digest=digest):
            return Consent("Approval", digest)
        case Takeover():
            return waiting.wanted
        case _:
            assert_never(waiting)


def left_of(given: str, heard: str) -> str:
    """What is left of a release: nothing once a look has heard it, whether it fitted or not.

    One that came since is for the next look.
    """
    return "" if given == heard else given
