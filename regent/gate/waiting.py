"""What waits with the withheld losses: passwords, LOGIN and members of adoptions, and what is
given again in place of what falls. Pure.
"""

from __future__ import annotations

from regent.changes import Change, Effect, GrantPrivileges
from regent.gate.brake import Verdict


def waiting_for_release(verdict: Verdict) -> tuple[Change, ...]:
    """What the brake withholds that is no loss: it would hand on what is not taken away yet."""
    return tuple(
        one
        for one in verdict.withheld_changes
        if one.effect < Effect.CLOSE or isinstance(one, GrantPrivileges)
    )
