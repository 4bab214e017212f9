"""Adopting some of a whole under the Regent's lock: as it was shown, or not at all (ADR 64)."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

from regent.adopt.look import Asked, Shown, look
from regent.apply.result import Heed, nobody_heeds
from regent.foundation import founded
from regent.gate.adopting import require_agreed
from regent.one_shot import OnceReport, apply_on
from regent.settings import connector_of
from shared.consent import Consent


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was agreed to, and what became of it. None: there was nothing to adopt."""

    shown: Shown
    report: OnceReport | None


async def adopt(shown: Shown, asked: Asked, agreed: str, *, heed: Heed = nobody_heeds) -> Adopted:
    """Put it in force, if what would be lost still has the digest that a person `agreed` to.

    It is looked at anew under the lock: no push comes in between. Who agreed has seen all losses,
    and so releases what the brake would withhold of them, and approves it.

    Raises LossesChangedError, LockHeld, and what looking raises; nothing was done then.
    """
    began = perf_counter()
    settings = shown.settings
    async with founded(settings, connector_of(settings.server), heed) as stand:
        now = await look(settings, asked)
        if now.planned is None:
            return Adopted(now, None)
        require_agreed(agreed, now.digest)
        report = await apply_on(
            stand,
            settings.regent,
            now.staged.state,
            consents=_consents(now.planned),
            began=began,
        )
    return Adopted(now, report)


def _consents(planned: OnceReport) -> tuple[Consent, ...]:
    """To what would wait for the same person's yes."""
    brake, approval = planned.brake, planned.approval
    return (
        Consent("Brake", brake.digest if brake else ""),
        Consent("Approval", approval.digest if approval else ""),
    )
