"""Resources that are gone though nobody was seen to delete them, and what a person may do. Pure.

Their Regent keeps what they gave (rule 20). A person applies them again, or lets exactly these go
by a token: it covers the uids that the Regent names, so it is worth nothing for whatever vanishes
later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.consent import digest_of
from shared.http import StatusBody
from shared.keys import ResourceKey
from shared.listing import first_of
from shared.outcomes import Outcome
from shared.resources import VANISHED_ANNOTATION

REASON = "Vanished"
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Vanished:
    """All of one Regent; there is at least one."""

    resources: tuple[str, ...]
    token: str

    def words(self, regent: ResourceKey) -> str:
        """What happened to which of them, and the two ways out."""
        return (
            f"{_counted(self.resources)} gone from the API server without a deletion that the"
            f" controller saw, and the access stays: {named(self.resources)}."
            " Apply the resources again. To end the access instead:"
            f" kubectl annotate --overwrite pgregent {regent.name} -n {regent.namespace}"
            f" {VANISHED_ANNOTATION}={self.token}"
        )


def vanished_of(status: StatusBody | None) -> Vanished | None:
    """What a Regent holds because it has vanished; None where nothing has."""
    found = sorted(_vanished(status), key=lambda one: one.resource) if status else []
    if not found:
        return None
    token = digest_of(*(f"{one.resource} {one.generation} {one.message}" for one in found))
    return Vanished(tuple(one.resource for one in found), token)


def held_words(resources: Sequence[str]) -> str:
    """Of resources that cannot be compiled, and go on as they were accepted before."""
    return (
        f"{_counted(resources)} not readable as declared now, and what was accepted before stays in"
        f" force: {named(resources)}. Correct the resources; the status of each says what is wrong."
    )


def named(resources: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    return first_of(resources, SHOWN)


def _vanished(status: StatusBody) -> list[Outcome]:
    return [one for one in status.resources if one.reason == REASON]


def _counted(resources: Sequence[str]) -> str:
    return "1 resource is" if len(resources) == 1 else f"{len(resources)} resources are"
