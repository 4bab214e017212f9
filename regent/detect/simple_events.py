"""Which events a targeted pass can deal with: those that say all about themselves in their rows."""

from __future__ import annotations

from collections.abc import Mapping

from regent.detect.events import Event, Taken
from regent.kinds import NOT_TARGETED, SIMPLE_TAGS


def is_simple(taken: Mapping[str, Taken]) -> bool:
    """Nothing was lost or is damaged, and the effect of each command is in the rows it wrote."""
    return all(
        not one.is_damaged
        and not one.lost
        and not one.has_more
        and one.is_whole
        and all(map(_says_all, one.events))
        for one in taken.values()
    )


def _says_all(event: Event) -> bool:
    is_told = event.object_type is not None
    return is_told and event.command_tag in SIMPLE_TAGS and event.object_type not in NOT_TARGETED
