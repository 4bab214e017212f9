"""What is said on a Regent of who was let go before it could hear of it (rule 27). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from controller.regents.vanished import named
from shared.keys import ResourceKey
from shared.outcomes import Outcome


def with_untold(outcome: Outcome, untold: Sequence[ResourceKey]) -> Outcome:
    """Who has gone and has access still is named by whoever does not know of it yet."""
    if not untold or outcome.is_ready:
        return outcome
    who = named([str(one) for one in untold])
    said = f"{outcome.message} Deleted, and access has not ended, of {who}."
    return outcome.model_copy(update={"message": said})


def leftover(gone: ResourceKey) -> dict[str, Any]:
    """Of what is no resource any more; the role had its name, unless its spec gave another."""
    return {
        "role": gone.name,
        "what": f"{gone} is deleted, and its access has not ended.",
        "message": "It was let go while the Regent or its server could not be reached. It ends when"
        " they can; until then end it yourself: ALTER ROLE … NOLOGIN.",
    }
