"""What a person agrees to by its digest, as controller and Regent exchange it.

A digest is over exactly what would happen, so a consent is good for that alone: one that stays
written in an annotation is worth nothing once something else waits.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, get_args

ConsentKind = Literal["Brake", "Approval", "Takeover"]
"""`Brake`: to losses that are withheld (rule 20). `Approval`: to what is declared anew (rule 20a).
`Takeover`: to whom is obeyed (rule 28a)."""
CONSENT_KINDS: tuple[ConsentKind, ...] = get_args(ConsentKind)


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person agreed to; with an empty digest, to nothing."""

    kind: ConsentKind
    digest: str = ""

    def fits(self, wanted: Consent) -> bool:
        """True if exactly this is what something waits for."""
        return self.digest != "" and self == wanted


def digest_of(*parts: str) -> str:
    """Short enough to be typed; another one if any part is another."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
