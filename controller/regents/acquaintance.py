"""What is known of a Regent before, and after, something is pushed to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.state import DesiredState, Verifier, parts_of


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """What the Regent says of itself before anything is pushed."""

    etag: str | None
    resources: frozenset[str]
    verifiers: Mapping[str, Verifier] = field(repr=False)

    @property
    def revision(self) -> int:
        """Of the push that it has accepted; 0 where it has none, or of an older version."""
        return parts_of(self.etag or "")[0]

    @property
    def content(self) -> str:
        """What that push said, as a digest; empty where it has accepted nothing."""
        return parts_of(self.etag or "")[1]


def bound_by(state: DesiredState, known: Acquaintance) -> frozenset[str]:
    """What a Regent lists once it has accepted this: with what it holds of before (rule 20)."""
    held = known.resources & frozenset(state.held)
    if state.absent_means == "Vanished":
        held |= known.resources - frozenset(state.deleted)
    return frozenset(state.resources) | held
