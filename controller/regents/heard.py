"""What is heard of Regents, as values: a subscriber of the fleet decides on each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from controller.regents.outcome import NotReached
from shared.http import StatusBody
from shared.keys import ResourceKey
from shared.outcomes import Drift


@dataclass(frozen=True, slots=True)
class Met:
    """What it has accepted is known now, or is known anew: compile again."""

    regent: ResourceKey


@dataclass(frozen=True, slots=True)
class Took:
    """It has accepted what was pushed to it last."""

    regent: ResourceKey


@dataclass(frozen=True, slots=True)
class Said:
    """A status of it: another one, or the same again when there was nothing new for a while.

    `is_behind`: it goes by another state than was pushed to it, so its outcomes are of that one.
    """

    regent: ResourceKey
    status: StatusBody
    is_behind: bool = False


@dataclass(frozen=True, slots=True)
class Drifted:
    """It found drift, and corrected it or not."""

    regent: ResourceKey
    drift: Drift


@dataclass(frozen=True, slots=True)
class Troubled:
    """It does not answer, or does not accept a push."""

    regent: ResourceKey
    trouble: NotReached


@dataclass(frozen=True, slots=True)
class Changed:
    """Its trouble is another one, or is over: the fleet knows which it has."""

    regent: ResourceKey


@dataclass(frozen=True, slots=True)
class Left:
    """We talk to it no more: what it said counts no more."""

    regent: ResourceKey


FromLink: TypeAlias = Met | Took | Said | Drifted | Troubled
"""What one conversation tells the fleet."""
Heard: TypeAlias = Met | Took | Said | Drifted | Changed | Left
"""What the fleet tells its subscribers."""
Hears: TypeAlias = Callable[[Heard], None]
