"""What earlier forms of the declarations want and would do, reckoned once in each look. Pure.

The brake and the pauses ask of the same ones, and so does each round of one look.
"""

from __future__ import annotations

from regent.changes import Plan
from regent.desired import Desired
from regent.observed import Observed
from regent.plan import plan
from regent.plan.matching import Compilations
from regent.remembered import AcceptedState
from regent.resolve import Resolution, Situation, resolve


class Forms:
    """Of one look. Most of them are equal: what is in force is the baseline nearly always."""

    def __init__(
        self,
        situation: Situation,
        resolution: Resolution,
        observed: Observed,
        compilations: Compilations,
    ) -> None:
        """`resolution` is of the state that the situation has."""
        self._situation = situation
        self._observed = observed
        self._compilations = compilations
        self._resolved = [(situation.accepted, True, resolution.desired)]
        self._planned: list[tuple[Desired, Plan]] = []

    def desired(self, state: AcceptedState, *, is_bounded: bool = True) -> Desired:
        """What it wants of the server at this moment, or would if all of it were allowed."""
        for known, was_bounded, desired in self._resolved:
            if was_bounded == is_bounded and known == state:
                return desired
        desired = resolve(self._situation.at(state, is_bounded=is_bounded)).desired
        self._resolved.append((state, is_bounded, desired))
        return desired

    def plan(self, desired: Desired) -> Plan:
        """What it would do to what is there."""
        for known, found in self._planned:
            if known == desired:
                return found
        found = plan(desired, self._observed, compilations=self._compilations)
        self._planned.append((desired, found))
        return found
