"""What others did while a full pass worked, and whether a targeted one may follow it. Pure.

Where the objects are many, drift that goes on overtakes each full pass. So one that has done its
own work ends there, and the next pass looks at these objects alone (ADR 53).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from regent.changes import Change, PrivilegeChange
from regent.kinds import KINDS
from regent.passes.look import Looked


def before_it_came(looked: Looked, came: Sequence[Change]) -> Looked | None:
    """The look without what came since the one before; None where more than that is left to do.

    Only of privileges that a targeted pass can correct.
    """
    verdict, plan = looked.verdict, looked.verdict.plan
    is_held = bool(verdict.is_pulled or verdict.waiting or looked.paused)
    if is_held or looked.unread or looked.restraint is not None or not came:
        return None
    if frozenset(plan.changes) != frozenset(came) or not all(map(_is_for_a_targeted_pass, came)):
        return None
    return replace(
        looked,
        wanted=replace(looked.wanted, changes=()),
        verdict=replace(verdict, plan=replace(plan, changes=())),
    )


def _is_for_a_targeted_pass(change: Change) -> bool:
    return isinstance(change, PrivilegeChange) and KINDS[change.kind].is_targeted
