"""The digest of an adoption: what a person has seen and agrees to (ADR 64). Pure.

It is over what would be declared anew and over every loss; not over what somebody gains in the
catalog meanwhile, such as a table that a declared pattern matches (as of an approval, ADR 49).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from shared.consent import digest_of
from shared.errors import PostgRegentError
from shared.state import DesiredState


class LossesChangedError(PostgRegentError):
    """What would be lost is not what was agreed to."""


def digest_of_adoption(
    state: DesiredState, keys: Collection[str], losses: Iterable[tuple[str, ...]]
) -> str:
    """Of these resources of the state, and of all that is lost, each loss in words."""
    regent = state.regent.spec.model_dump(mode="json")
    declared = {key: state.resources[key].spec.model_dump(mode="json") for key in keys}
    return digest_of(
        "Adoption",
        json.dumps([regent, declared], sort_keys=True),
        *sorted("|".join(words) for words in losses),
    )


def require_agreed(given: str, found: str) -> None:
    """Raises LossesChangedError where what a person agreed to is something else."""
    if given == found:
        return
    raise LossesChangedError(
        f"The digest {given} is of other losses: what would be put in force now has {found}."
        " Nothing was done.",
        way_out="Look at what would be lost now, without --digest, and agree to that.",
    )
