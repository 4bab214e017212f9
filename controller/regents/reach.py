"""How far the end of a resource has come on one Regent. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from shared.http import BrakeBody


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the end of a resource has come on one Regent.

    `is_told`: its accepted state does not list the resource any more. `is_passed`: a pass has seen
    the catalog with that state in force, and that access has ended. `is_braked`: that pass was not
    let do all of it.
    """

    is_told: bool = False
    is_passed: bool = False
    is_braked: bool = False
    unreachable_seconds: float = 0.0

    @property
    def is_ended(self) -> bool:
        """What could be done has been done."""
        return self.is_told and self.is_passed


def withholds(brake: BrakeBody, role: str) -> bool:
    """Whether something of this role is withheld; of a long list only the first are told."""
    is_cut = brake.loss_count > len(brake.losses)
    return brake.pulled and (is_cut or any(loss.role == role for loss in brake.losses))
